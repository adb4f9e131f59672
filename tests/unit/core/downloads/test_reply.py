from __future__ import annotations

import pytest
from sigmavault.core.downloads.reply import Asked, Begin, judge, request_headers, require_magic
from sigmavault.core.errors import SourceGoneError, SourceRefusedError

ALL = Asked(name="hub", offset=0, size=1000)
REST = Asked(name="hub", offset=400, size=1000, etag='"v1"')


def test_the_whole_file_is_asked_for_without_a_range() -> None:
    assert "Range" not in request_headers(ALL)
    assert request_headers(ALL)["Accept-Encoding"] == "identity"


def test_the_rest_is_asked_for_if_the_file_is_still_the_same() -> None:
    headers = request_headers(REST)
    assert (headers["Range"], headers["If-Range"]) == ("bytes=400-", '"v1"')


def test_a_weak_etag_is_no_condition() -> None:
    assert "If-Range" not in request_headers(Asked(name="hub", offset=400, size=1000, etag='W/"v1"'))


def test_the_whole_file_begins_at_its_beginning() -> None:
    headers = {"content-length": "1000", "etag": '"v2"', "content-type": "application/octet-stream"}
    assert judge(200, headers, ALL) == Begin(offset=0, etag='"v2"')
    assert judge(200, headers, REST) == Begin(offset=0, etag='"v2"')


def test_the_rest_begins_where_it_was_asked_for() -> None:
    headers = {"content-range": "bytes 400-999/1000", "content-length": "600", "etag": '"v1"'}
    assert judge(206, headers, REST) == Begin(offset=400, etag='"v1"')


def test_a_length_that_nobody_tells_is_counted_later() -> None:
    assert judge(200, {}, ALL) == Begin(offset=0, etag="")


def test_an_etag_that_is_none_is_forgotten() -> None:
    assert judge(200, {"etag": "v2\x00"}, ALL).etag == ""


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (200, {"content-type": "text/html; charset=utf-8"}, "a web page"),
        (200, {"content-length": "999"}, "has 999 bytes of it, it must have 1000"),
        (200, {"content-length": "-5"}, "no usable length"),
        (200, {"content-length": "²"}, "no usable length"),
        (200, {"content-encoding": "gzip"}, "packed"),
        (206, {"content-range": "bytes 0-999/1000"}, "does not say which"),
        (204, {}, "answers 204"),
        (300, {}, "answers 300"),
        (401, {}, "does not let us"),
        (403, {}, "does not let us"),
        (404, {}, "does not have it"),
    ],
)
def test_what_is_not_the_file_is_refused(status: int, headers: dict[str, str], words: str) -> None:
    with pytest.raises(SourceRefusedError, match=words):
        judge(status, headers, ALL)


@pytest.mark.parametrize(
    ("headers", "words", "restart"),
    [
        ({}, "does not say which", True),
        ({"content-range": "bytes */1000"}, "does not say which", True),
        ({"content-range": "bytes 0-999/1000"}, "sends 0 to 999", True),
        ({"content-range": "bytes 400-998/1000"}, "sends 400 to 998", True),
        ({"content-range": "bytes 400-999/*"}, "does not say which", True),
        ({"content-range": "bytes 400-1999/2000"}, "has 2000 bytes", False),
        ({"content-range": "bytes 400-999/1000", "content-length": "10"}, "has 410 bytes", False),
        ({"content-range": "bytes 400-999/1000", "etag": '"v2"'}, "another file than before", True),
        ({"content-type": "multipart/byteranges; boundary=x"}, "several parts", False),
    ],
)
def test_a_lie_about_the_range_is_refused(headers: dict[str, str], words: str, restart: bool) -> None:
    with pytest.raises(SourceRefusedError, match=words) as error:
        judge(206, headers, REST)
    assert error.value.restart is restart


def test_a_server_that_has_no_rest_is_asked_for_all() -> None:
    with pytest.raises(SourceRefusedError) as error:
        judge(416, {}, REST)
    assert error.value.restart


@pytest.mark.parametrize(
    ("told", "wait_s"), [("7", 7), ("99999", 300), ("Fri, 31 Dec", 0), ("-1", 0), ("²", 0), ("9" * 50, 0)]
)
def test_a_busy_server_is_asked_later(told: str, wait_s: int) -> None:
    with pytest.raises(SourceGoneError, match="answers 503") as error:
        judge(503, {"retry-after": told}, ALL)
    assert error.value.retry_after_s == wait_s


def test_what_does_not_begin_as_a_model_is_not_fetched() -> None:
    require_magic("hub", b"GGUF\x03\x00")
    for beginning in (b"<!DOCTYPE html>", b"", b"GGU", b"gguf"):
        with pytest.raises(SourceRefusedError, match="no model file"):
            require_magic("hub", beginning)
