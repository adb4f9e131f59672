"""Transfers of models from a server that misbehaves: what comes is the model, or nothing."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sigmavault.core.downloads import pace
from sigmavault.core.downloads.mirrors import Sources, candidates, merge, parse_mirror_file
from sigmavault.core.errors import NoSpaceError, SourceGoneError, SourceRefusedError
from sigmavault.core.manifest import Model
from sigmavault.system import fetch, part_file
from sigmavault.system.fetch import Control, StoppedError, Way
from sigmavault.system.transfer import Ears, Transfer

from tests.services.daemon import wait_until
from tests.services.model_server import Behaviour, ModelServer, Request, cut, make_certificate, well

SIZE = 3_000_017
CONTENT = b"GGUF" + random.Random(7).randbytes(SIZE - 4)  # noqa: S311  # no secret
OTHER = b"GGUF" + random.Random(8).randbytes(SIZE - 4)  # noqa: S311
PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"


def model(size: int = SIZE, content: bytes = CONTENT) -> Model:
    url = f"https://hub.invalid/owner/repository/resolve/{'a' * 40}/Tiny.gguf"
    entry = {
        "id": "tiny", "name": "Tiny", "purpose": ["chat"], "tier": "tiny", "file": "Tiny.gguf", "size": size,
        "sha256": hashlib.sha256(content).hexdigest(), "source": {"kind": "https", "url": url},
        "licence": "MIT", "architecture": "llama", "quantisation": "Q8_0", "context": 4096,
        "chat_template": True,
    }  # fmt: skip
    return Model.model_validate_json(json.dumps(entry))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(certificate: tuple[Path, Path]) -> Iterator[ModelServer]:
    with ModelServer(CONTENT, certificate) as made:
        yield made


class Heard:
    """What a transfer told."""

    def __init__(self) -> None:
        self.bytes: list[int] = []
        self.said: list[tuple[str, str]] = []
        self.verified = 0

    def _verifies(self) -> None:
        self.verified += 1

    @property
    def ears(self) -> Ears:
        return Ears(
            bytes_here=self.bytes.append,
            says=lambda source, reason: self.said.append((source, reason)),
            verifies=self._verifies,
        )


def sources(*servers: ModelServer, lan: bool = True, trust: bool = True) -> Sources:
    told = []
    for number, each in enumerate(servers):
        ca_file = str(each.certificate[0]) if each.certificate and trust else ""
        told.append({"name": f"m{number}", "kind": "files", "url": each.url, "lan": lan, "ca_file": ca_file})
    return merge([parse_mirror_file({"mirrors": told, "hub": False}, "test.yaml")])


def fetched(
    folder: Path, *servers: ModelServer, wanted: Model | None = None, control: Control | None = None,
    heard: Heard | None = None, limit: int = 0, told: Sources | None = None, proxy: str = "",
) -> Path:  # fmt: skip
    found = told or sources(*servers)
    wanted = wanted or model()
    transfer = Transfer(
        model=wanted, folder=folder, candidates=candidates(wanted, found),
        way=Way(lan=found.lan, proxy=proxy), limit=limit, rest_s=lambda *_: 0.01,
    )  # fmt: skip
    return transfer.run(control or Control(), (heard or Heard()).ears)


def left(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_model_comes_whole_over_verified_tls(tmp_path: Path, server: ModelServer) -> None:
    heard = Heard()
    file = fetched(tmp_path, server, heard=heard)
    assert file.read_bytes() == CONTENT
    assert file.stat().st_mode & 0o777 == 0o644
    assert left(tmp_path) == ["Tiny.gguf"]
    assert heard.bytes[-1] == SIZE
    assert heard.verified == 1
    assert "range" not in server.requests[0].headers


def test_a_broken_connection_is_gone_on_with(tmp_path: Path, server: ModelServer) -> None:
    server.behaviours = [cut(1_000_000), cut(500_000), cut(0), cut(10)]
    assert fetched(tmp_path, server).read_bytes() == CONTENT
    offsets = [each.offset for each in server.requests]
    assert offsets == [0, 1_000_000, 1_500_000, 1_500_000, 1_500_010]
    assert all(each.headers["if-range"] == '"v1"' for each in server.requests[1:])


def test_another_process_goes_on_where_one_ended(tmp_path: Path, server: ModelServer) -> None:
    server.always = cut(700_000)
    with pytest.raises(SourceGoneError):  # it is given up after so many rounds without a byte
        server.behaviours = [cut(700_000), *[cut(0)] * pace.MOST_ATTEMPTS]
        fetched(tmp_path, server)
    assert part_file.bytes_there(tmp_path, model()) == 700_000
    server.always = well
    assert fetched(tmp_path, server).read_bytes() == CONTENT
    assert server.requests[-1].offset == 700_000


def _page(request: Request) -> None:
    request.send("200 OK", {"Content-Type": "text/html", "Content-Length": len(PAGE)}, PAGE)


def _page_as_file(request: Request) -> None:
    body = PAGE.ljust(SIZE)
    headers = {"Content-Type": "application/octet-stream", "Content-Length": SIZE}
    request.send("200 OK", headers, body)


def _page_without_length(request: Request) -> None:
    request.send("200 OK", {"Content-Type": "application/octet-stream"}, PAGE)


def _small(request: Request) -> None:
    request.send("200 OK", {"Content-Length": 1000}, CONTENT[:1000])


def _endless(request: Request) -> None:
    request.send("200 OK", {}, CONTENT + bytes(100_000))


def _packed(request: Request) -> None:
    request.send("200 OK", {"Content-Encoding": "gzip", "Content-Length": SIZE}, CONTENT)


def _two_lengths(request: Request) -> None:
    request.connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Length: 12\r\n\r\n" % SIZE + CONTENT
    )


def _other(request: Request) -> None:
    request.send("200 OK", {"Content-Length": SIZE}, OTHER)


def _to(location: str) -> Behaviour:
    return lambda request: request.send("302 Found", {"Location": location, "Content-Length": 0})


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (_page, "sends a web page"),
        (_page_as_file, "does not begin with GGUF"),
        (_page_without_length, "does not begin with GGUF"),
        (_small, "has 1000 bytes of it, it must have 3000017"),
        (_endless, "sends more than 3000017 bytes"),
        (_packed, "packed"),
        (_two_lengths, "no usable length"),
        (_other, "its sha256 is"),
        (_to("http://localhost:1/Tiny.gguf"), "redirects to plain HTTP"),
        (_to("file:///etc/shadow"), "redirects to plain HTTP|no usable address"),
        (_to(""), "more than 5 times"),
        (_to("/../../etc/passwd"), "more than 5 times"),
    ],
)
def test_what_is_not_the_model_is_refused_and_nothing_is_left_under_its_name(
    tmp_path: Path, server: ModelServer, behaviour: Behaviour, words: str
) -> None:
    server.always = behaviour
    with pytest.raises(SourceRefusedError, match=words):
        fetched(tmp_path, server)
    assert not (tmp_path / "Tiny.gguf").exists()
    assert fetched(tmp_path, _good(server)).read_bytes() == CONTENT


def _good(server: ModelServer) -> ModelServer:
    server.always = well
    return server


def test_a_wrong_file_leaves_nothing(tmp_path: Path, server: ModelServer) -> None:
    server.always = _other
    with pytest.raises(SourceRefusedError, match="another file"):
        fetched(tmp_path, server)
    assert left(tmp_path) == []


def _elsewhere(request: Request) -> None:
    """Says that it sends another part than the one asked for."""
    body = CONTENT[10 : 10 + SIZE - request.offset]
    headers = {"Content-Range": f"bytes 10-{9 + len(body)}/{SIZE}", "Content-Length": len(body)}
    request.send("206 Partial Content", headers, body)


def _lie(request: Request) -> None:
    """Says that it sends the rest, and sends the beginning."""
    length = SIZE - request.offset
    headers = {"Content-Range": f"bytes {request.offset}-{SIZE - 1}/{SIZE}", "Content-Length": length}
    request.send("206 Partial Content", headers, CONTENT[:length])


def _no_ranges(request: Request) -> None:
    request.send("200 OK", {"Content-Length": SIZE}, CONTENT)


def _no_rest(request: Request) -> None:
    request.send("416 Range Not Satisfiable", {"Content-Range": f"bytes */{SIZE}", "Content-Length": 0})


def _changed(request: Request) -> None:
    request.send(
        "206 Partial Content",
        {"Content-Range": f"bytes {request.offset}-{SIZE - 1}/{SIZE}", "ETag": '"v2"'},
        CONTENT[request.offset :],
    )  # fmt: skip


@pytest.mark.parametrize("behaviour", [_elsewhere, _lie, _no_ranges, _no_rest, _changed])
def test_a_server_that_lies_about_ranges_costs_a_new_beginning_and_no_damage(
    tmp_path: Path, server: ModelServer, behaviour: Behaviour
) -> None:
    server.behaviours = [cut(1_000_000), behaviour]
    assert fetched(tmp_path, server).read_bytes() == CONTENT
    assert server.requests[1].offset == 1_000_000
    if behaviour is not _no_ranges:
        assert server.requests[2].offset == 0


def test_a_damaged_beginning_on_the_disk_is_found_and_fetched_again(
    tmp_path: Path, server: ModelServer
) -> None:
    control = Control()
    server.behaviours = [cut(1_000_000)]
    server.pace = lambda: control.stop() if len(server.requests) > 1 else None
    with pytest.raises(StoppedError):
        fetched(tmp_path, server, control=control)
    server.pace = lambda: None
    part, _ = part_file.paths(tmp_path, "Tiny.gguf")
    with part.open("r+b") as file:
        file.seek(500_000)
        file.write(b"damage")
    assert fetched(tmp_path, server).read_bytes() == CONTENT


def test_a_part_of_another_version_of_the_model_is_not_gone_on_with(
    tmp_path: Path, server: ModelServer
) -> None:
    with part_file.PartFile(tmp_path, model(content=OTHER)) as part:
        part.begin("m0", '"v1"')
        part.append(OTHER[:1000])
    assert fetched(tmp_path, server).read_bytes() == CONTENT
    assert server.requests[0].offset == 0


def test_a_link_in_the_place_of_the_unfinished_file_is_not_followed(
    tmp_path: Path, server: ModelServer
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "models"
    folder.mkdir()
    part_file.paths(folder, "Tiny.gguf")[0].symlink_to(victim)
    with pytest.raises(Exception, match="cannot be written"):
        fetched(folder, server)
    assert victim.read_text() == "precious"


def test_the_next_source_is_asked_when_one_has_nothing_good(
    tmp_path: Path, server: ModelServer, certificate: tuple[Path, Path]
) -> None:
    with ModelServer(CONTENT, certificate, always=_page) as bad:
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
    server.always = _page
    with (
        ModelServer(CONTENT, certificate, always=_small) as second,
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
    with ModelServer(CONTENT) as other, ModelServer(CONTENT, always=_to(f"{other.url}/Tiny.gguf")) as plain:
        with pytest.raises(SourceRefusedError, match="plain HTTP, which no mirror file allows"):
            fetched(tmp_path, plain)
        assert other.requests == []


def test_a_redirect_within_https_is_followed_with_the_range(
    tmp_path: Path, server: ModelServer, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))  # the system's certificates vouch for the second
    server.behaviours = [cut(100_000)]
    with ModelServer(CONTENT, certificate, always=_to(f"{server.url}/cdn?sign=x")) as hub:
        assert fetched(tmp_path, hub).read_bytes() == CONTENT
    assert [each.path for each in server.requests] == ["/cdn?sign=x"] * 2
    assert server.requests[1].offset == 100_000


def test_certificates_of_a_mirror_do_not_vouch_for_where_it_redirects(
    tmp_path: Path, server: ModelServer, certificate: tuple[Path, Path]
) -> None:
    with (
        ModelServer(CONTENT, certificate, always=_to(f"{server.url}/x")) as hub,
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
