"""Transfers of models from a server that misbehaves: what comes is the model, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sigmavault.core.downloads import pace
from sigmavault.core.errors import SourceGoneError, SourceRefusedError
from sigmavault.system import part_file
from sigmavault.system.fetch import Control, StoppedError

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
)


@pytest.fixture
def server(certificate: tuple[Path, Path]) -> Iterator[ModelServer]:
    with ModelServer(CONTENT, certificate) as made:
        yield made


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


def _page_as_file(request: Request) -> None:
    body = PAGE.ljust(SIZE)
    headers = {"Content-Type": "application/octet-stream", "Content-Length": SIZE}
    request.send("200 OK", headers, body)


def _page_without_length(request: Request) -> None:
    request.send("200 OK", {"Content-Type": "application/octet-stream"}, PAGE)


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


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (page, "sends a web page"),
        (_page_as_file, "does not begin with GGUF"),
        (_page_without_length, "does not begin with GGUF"),
        (small, "has 1000 bytes of it, it must have 3000017"),
        (_endless, "sends more than 3000017 bytes"),
        (_packed, "packed"),
        (_two_lengths, "no usable length"),
        (_other, "its sha256 is"),
        (redirect("http://localhost:1/Tiny.gguf"), "redirects to plain HTTP"),
        (redirect("file:///etc/shadow"), "redirects to plain HTTP|no usable address"),
        (redirect(""), "more than 5 times"),
        (redirect("/../../etc/passwd"), "more than 5 times"),
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


def _no_record(part: Path, record: Path) -> None:
    record.unlink()


def _empty_record(part: Path, record: Path) -> None:
    record.write_text("")


def _zeroes(part: Path, record: Path) -> None:
    with part.open("r+b") as file:
        file.seek(900_000)
        file.write(bytes(200_000))


def _shorter(part: Path, record: Path) -> None:
    with part.open("r+b") as file:
        file.truncate(123_457)


def _longer(part: Path, record: Path) -> None:
    with part.open("r+b") as file:
        file.truncate(SIZE + 1)


def _nothing(part: Path, record: Path) -> None:
    part.unlink()


@pytest.mark.parametrize(
    ("damage", "offset"),
    [
        (_no_record, 0),
        (_empty_record, 0),
        (_zeroes, 1_100_000),
        (_shorter, 123_457),
        (_longer, 0),
        (_nothing, 0),
    ],
)  # fmt: skip
def test_what_a_power_cut_may_leave_costs_no_damage(
    tmp_path: Path, server: ModelServer, damage: Callable[[Path, Path], None], offset: int
) -> None:
    with part_file.PartFile(tmp_path, model()) as part, part.writing() as writing:
        part.begin("m0", '"v1"')
        writing.write(CONTENT[:1_000_000])
    damage(*part_file.paths(tmp_path, "Tiny.gguf"))
    assert fetched(tmp_path, server).read_bytes() == CONTENT
    assert server.requests[0].offset == offset
    assert left(tmp_path) == ["Tiny.gguf"]


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
