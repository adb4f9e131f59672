"""What our HTTP servers have in common: how they are started and built, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Literal

from sigmavault.core.errors import ConfigError, SigmaVaultError
from sigmavault.system import daemon, sockets

if TYPE_CHECKING:
    import uvicorn

_log = logging.getLogger(__name__)

_GRACE_S = 5
_KEEP_ALIVE_S = 30


def run(serve: Callable[[list[socket.socket]], Coroutine[Any, Any, None]], *, unit: str) -> int:
    """Serve on the sockets that systemd passed, until told to stop; returns the exit code.

    Args:
        serve: the service.
        unit: the socket unit that starts it.
    """
    daemon.set_up_logging()
    listening = sockets.passed()
    try:
        if not listening:
            raise ConfigError(f"no socket was passed: {unit} starts this service")
        asyncio.run(serve(listening))
    except SigmaVaultError as error:
        _log.error("%s", error)
        return error.exit_code
    return 0


def build_server(app: Any, protocol: type[asyncio.Protocol] | Literal["h11"] = "h11") -> uvicorn.Server:
    """An HTTP server for an ASGI application; stops when `should_exit` is set.

    Args:
        app: the application.
        protocol: class of its connections.
    """
    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # signals are ours: other processes must be ended as well

    config = uvicorn.Config(
        app, http=protocol, ws="none", lifespan="off", log_config=None, access_log=False,
        proxy_headers=False, server_header=False, timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )  # fmt: skip
    return Server(config)


def stop_on_signals(server: uvicorn.Server) -> Callable[[], None]:
    """End the server when systemd or a person says so; returns what ends it."""

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return stop


async def wait_started(server: uvicorn.Server, http: asyncio.Task[None]) -> None:
    """Wait until the server takes requests, or has failed."""
    while not server.started and not http.done():
        await asyncio.sleep(0.01)
