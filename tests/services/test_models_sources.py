"""Where models come from: several sources, certificates, redirects, stalls, limits, USB folders, proxies."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sigmavault.core.downloads import pace
from sigmavault.core.downloads.mirrors import merge, parse_mirror_file
from sigmavault.core.errors import NoSpaceError, SourceGoneError, SourceRefusedError
from sigmavault.system import fetch, part_file
from sigmavault.system.fetch import Control, StoppedError

from tests.services.daemon import wait_until
from tests.services.model_server import Behaviour, ModelServer, Request, cut, well
from tests.services.model_transfers import (
    CONTENT,
    OTHER,
    PAGE,
    SIZE,
    Heard,
    fetched,
    left,
    model,
    page,
    redirect,
    small,
    sources,
)


@pytest.fixture
def server(certificate: tuple[Path, Path]) -> Iterator[ModelServer]:
    with ModelServer(CONTENT, certificate) as made:
        yield made


def test_the_next_source_is_asked_when_one_has_nothing_good(
    tmp_path: Path, server: ModelServer, certificate: tuple[Path, Path]
) -> None:
    with ModelServer(CONTENT, certificate, always=page) as bad:
        heard = Heard()
        assert fetched(tmp_path, bad, server, heard=heard).read_bytes() == CONTENT
    assert [source for source, _ in heard.said] == ["m1"]


def test_a_second_source_goes_on_with_what_the_first_has_begun(
    tmp_path: Path, server: ModelServer, certificate: tuple[Path, Path]
) -> None:
    with ModelServer(CONTENT, certificate, behaviours=[cut(800_000)]) as first:
        assert fetched(tmp_path, first, server).read_bytes() == CONTENT
    assert server.requests[0].offset == 800_000
    assert "if-range" not in server.requests[0].headers  # it is another server's mark


def test_all_reasons_are_told_when_nobody_has_it(
    tmp_path: Path, server: ModelServer, certificate: tuple[Path, Path]
) -> None:
    server.always = page
    with (
        ModelServer(CONTENT, certificate, always=small) as second,
        pytest.raises(SourceRefusedError, match=r"m0 sends a web page.*; m1 has 1000 bytes"),
    ):
        fetched(tmp_path, server, second)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, server: ModelServer) -> None:
    with pytest.raises(SourceRefusedError, match="cannot prove that it is it"):
        fetched(tmp_path, told=sources(server, trust=False))
    assert server.requests == []


def test_plain_http_is_used_for_a_lan_mirror(tmp_path: Path) -> None:
    with ModelServer(CONTENT) as plain:
        assert fetched(tmp_path, plain).read_bytes() == CONTENT


def test_a_lan_mirror_may_not_redirect_to_another_plain_server(tmp_path: Path) -> None:
    with (
        ModelServer(CONTENT) as other,
        ModelServer(CONTENT, always=redirect(f"{other.url}/Tiny.gguf")) as plain,
    ):
        with pytest.raises(SourceRefusedError, match="plain HTTP, which no mirror file allows"):
            fetched(tmp_path, plain)
        assert other.requests == []


def test_a_redirect_within_https_is_followed_with_the_range(
    tmp_path: Path, server: ModelServer, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))  # the system's certificates vouch for the second
    server.behaviours = [cut(100_000)]
    with ModelServer(CONTENT, certificate, always=redirect(f"{server.url}/cdn?sign=x")) as hub:
        assert fetched(tmp_path, hub).read_bytes() == CONTENT
    assert [each.path for each in server.requests] == ["/cdn?sign=x"] * 2
    assert server.requests[1].offset == 100_000


def test_certificates_of_a_mirror_do_not_vouch_for_where_it_redirects(
    tmp_path: Path, server: ModelServer, certificate: tuple[Path, Path]
) -> None:
    with (
        ModelServer(CONTENT, certificate, always=redirect(f"{server.url}/x")) as hub,
        pytest.raises(SourceRefusedError, match="cannot prove"),
    ):
        fetched(tmp_path, hub)


def _drip(request: Request) -> None:
    request.send("200 OK", {"Content-Length": SIZE}, CONTENT[:200_000])
    while True:
        request.connection.sendall(CONTENT[200_000:200_001])
        time.sleep(0.05)


def _silent(request: Request) -> None:
    request.send("200 OK", {"Content-Length": SIZE}, CONTENT[:200_000])
    request.wait_gone()


@pytest.mark.parametrize(("behaviour", "words"), [(_drip, "stalls"), (_silent, "says nothing")])
def test_a_server_that_stalls_is_left_and_gone_on_with(
    tmp_path: Path, server: ModelServer, behaviour: Behaviour, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "STALLED_S", 0.5)
    monkeypatch.setattr(fetch, "STALLED_S", 0.5)
    server.behaviours = [behaviour]
    heard = Heard()
    assert fetched(tmp_path, server, heard=heard).read_bytes() == CONTENT
    assert any(words in reason for _, reason in heard.said)
    assert server.requests[1].offset >= 200_000


def test_a_busy_server_is_asked_again(tmp_path: Path, server: ModelServer) -> None:
    server.behaviours = [
        lambda request: request.send("503 Service Unavailable", {"Retry-After": 3, "Content-Length": 0})
    ] * 3
    assert fetched(tmp_path, server).read_bytes() == CONTENT


def test_a_server_that_is_not_there_is_told_with_its_name(tmp_path: Path, server: ModelServer) -> None:
    told = sources(server)
    server.__exit__()
    with pytest.raises(SourceGoneError, match="m0 cannot be reached: Connection refused"):
        fetched(tmp_path, told=told)


def test_garbage_instead_of_http_is_no_crash(tmp_path: Path, server: ModelServer) -> None:
    server.behaviours = [lambda request: request.connection.sendall(b"\x00\xff" * 5000)] * 2
    assert fetched(tmp_path, server).read_bytes() == CONTENT


@pytest.mark.parametrize("behaviour", [_silent, well])
def test_a_transfer_stops_at_once_when_told_to(
    tmp_path: Path, server: ModelServer, behaviour: Behaviour
) -> None:
    server.always = behaviour
    server.pace = lambda: time.sleep(0.02)
    control, ended, heard = Control(), list[float](), Heard()

    def run() -> None:
        try:
            fetched(tmp_path, server, control=control, heard=heard)
        except StoppedError:
            ended.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    wait_until("some bytes", lambda: heard.bytes)
    told = time.monotonic()
    control.stop()
    thread.join(10)
    assert ended
    assert ended[0] - told < 2
    assert part_file.bytes_there(tmp_path, model()) > 0


def test_the_limit_holds(tmp_path: Path, server: ModelServer) -> None:
    began = time.monotonic()
    fetched(tmp_path, server, limit=3_000_000)
    assert 0.6 < time.monotonic() - began < 5


def test_a_usb_folder_is_a_source(tmp_path: Path) -> None:
    stick, folder = tmp_path / "stick", tmp_path / "models"
    stick.mkdir()
    folder.mkdir()
    told = merge([
        parse_mirror_file(
            {"mirrors": [{"name": "stick", "kind": "folder", "path": str(stick)}], "hub": False}, "x"
        )
    ])  # fmt: skip
    with pytest.raises(SourceRefusedError, match="stick does not have it"):
        fetched(folder, told=told)
    for bad, words in (
        (CONTENT[:-1], "has 3000016 bytes"),
        (OTHER, "another file"),
        (PAGE.ljust(SIZE), "GGUF"),
    ):
        (stick / "Tiny.gguf").write_bytes(bad)
        with pytest.raises(SourceRefusedError, match=words):
            fetched(folder, told=told)
    (stick / "Tiny.gguf").write_bytes(CONTENT)
    assert fetched(folder, told=told).read_bytes() == CONTENT


def test_a_full_disk_is_told_as_that(tmp_path: Path, server: ModelServer) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", tmp_path], check=True)
    try:
        with pytest.raises(NoSpaceError, match="is full"):
            fetched(tmp_path, server)
        assert "Tiny.gguf" not in left(tmp_path)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_proxy_is_asked_for_what_is_not_in_this_network(tmp_path: Path, server: ModelServer) -> None:
    def tunnel(request: Request) -> None:
        far = socket.create_connection(("127.0.0.1", server.port))
        request.send("200 Connection established")

        def pump(one: socket.socket, other: socket.socket) -> None:
            try:
                while piece := one.recv(65536):
                    other.sendall(piece)
            except OSError:
                pass
            other.shutdown(socket.SHUT_WR)

        back = threading.Thread(target=pump, args=(far, request.connection), daemon=True)
        back.start()
        pump(request.connection, far)
        back.join()

    with ModelServer(b"", always=tunnel) as proxy:
        address = f"http://user:word@127.0.0.1:{proxy.port}"
        far = sources(server, lan=False)
        assert fetched(tmp_path, told=far, proxy=address).read_bytes() == CONTENT
        assert proxy.requests[0].line == f"CONNECT localhost:{server.port} HTTP/1.1"
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNlcjp3b3Jk"
        (tmp_path / "Tiny.gguf").unlink()
        fetched(tmp_path, told=sources(server, lan=True), proxy=address)
        assert len(proxy.requests) == 1
