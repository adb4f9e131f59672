"""The kernel's word on who is at the other end, by way of the real server."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import uvicorn
from sigmavault.ryzan.http.peer import PeerProtocol, peer_uid

from tests.unit.ryzan.http.scripted import ScriptedService, app

pytestmark = pytest.mark.uses_network

HELLO = {"model": "m", "messages": [{"role": "user", "content": "x"}]}


def test_unix_socket_tells_its_user() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_uid(ours) == os.getuid()


def test_tcp_socket_tells_nobody() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as us,
    ):
        assert peer_uid(us) is None


def test_caller_over_the_unix_socket_is_its_user_and_over_tcp_is_not(tmp_path: Path) -> None:
    service = ScriptedService()
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(os.fspath(tmp_path / "socket"))
    unix.listen()
    tcp = socket.create_server(("127.0.0.1", 0))
    port = tcp.getsockname()[1]

    async def go() -> None:
        config = uvicorn.Config(
            cast("Any", app(service)), http=PeerProtocol, ws="none", lifespan="off", log_config=None
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve([tcp, unix]))
        try:
            over_unix = httpx.AsyncHTTPTransport(uds=os.fspath(tmp_path / "socket"))
            for transport, base in ((over_unix, "http://localhost"), (None, f"http://127.0.0.1:{port}")):
                async with httpx.AsyncClient(transport=transport, base_url=base, trust_env=False) as client:
                    answer = await client.post("/v1/chat/completions", json=HELLO)
                    assert answer.status_code == 200
        finally:
            server.should_exit = True
            await running

    asyncio.run(go())
    assert [each.space for each in service.callers] == [f"uid:{os.getuid()}", "local"]
