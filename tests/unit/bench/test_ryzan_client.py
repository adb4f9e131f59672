"""The client of the benchmark reads streams as servers send them, and dates them rightly."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.client import Arrival, Connection, EndFinder, NoAnswerError, read_answer

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}


def event(delta: dict[str, str], **more: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta}], **more}).encode() + b"\n\n"


EVENTS = (
    event({"role": "assistant", "content": ""}),
    event({"content": "Once"}),
    event({"content": " upon"}),
    event({"content": "\n\n0\r\n\r\n"}),
    event({}, usage=USAGE),
    b"data: [DONE]\n\n",
)


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}".encode() + b"\r\n" + data + b"\r\n"


def stream(events: tuple[bytes, ...] = EVENTS) -> list[bytes]:
    return [HEAD, *(chunk(each) for each in events), b"0\r\n\r\n"]


def one_second_each(pieces: list[bytes]) -> list[Arrival]:
    return list(enumerate(map(bytes, pieces), start=1))


def test_times_are_those_of_the_text_not_of_what_is_said_before() -> None:
    answer = read_answer(0.5, one_second_each(stream()))
    assert (answer.first, answer.last, answer.ended) == (3, 5, 8)
    assert (answer.prompt_tokens, answer.cached_tokens, answer.completion_tokens) == (7, 2, 3)
    assert answer.first_token_s == 2.5
    assert answer.decode_rate == 1.0
    assert answer.whole_rate == 3 / 7.5
    assert answer.prefill_rate == 7 / 2.5


@given(st.lists(st.integers(1, 700), max_size=12))
def test_the_same_is_read_however_the_network_cuts_it(cuts: list[int]) -> None:
    whole = b"".join(stream())
    places = [0, *sorted({each for each in cuts if each < len(whole)}), len(whole)]
    pieces = [whole[a:b] for a, b in itertools.pairwise(places)]
    answer = read_answer(0, one_second_each(pieces))
    assert (answer.prompt_tokens, answer.completion_tokens) == (7, 3)
    assert 1 <= answer.first <= answer.last <= answer.ended == len(pieces)
    finder = EndFinder()
    for number, piece in enumerate(pieces, start=1):
        assert not finder.complete, "the end was seen before it came"
        finder.feed(piece)
        assert finder.complete == (number == len(pieces))


def test_plain_completions_are_read_too() -> None:
    texts = tuple(b"data: " + json.dumps({"choices": [{"text": each}]}).encode() + b"\n\n" for each in "ab")
    answer = read_answer(0, one_second_each(stream((*texts, event({}, usage=USAGE)))))
    assert (answer.first, answer.last, answer.cached_tokens) == (2, 3, 2)


def test_the_end_of_an_answer_without_text_is_its_first_token() -> None:
    end = (
        b"data: " + json.dumps({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": USAGE}).encode()
    )
    answer = read_answer(0, one_second_each(stream((EVENTS[0], end + b"\n\n"))))
    assert (answer.first, answer.last, answer.ended) == (3, 3, 4)


@pytest.mark.parametrize(
    ("pieces", "status", "said"),
    [
        ([b"HTTP/1.1 429 Busy\r\nContent-Length: 4\r\n\r\nfull"], 429, "full"),
        (stream((*EVENTS[:2], b'data: {"error": {"message": "lost"}}\n\n')), 0, "lost"),
        (stream(EVENTS[:3]), 0, "no token counts"),
        (stream((EVENTS[0], EVENTS[4])), 0, "no text"),
    ],
)
def test_a_failure_is_no_answer(pieces: list[bytes], status: int, said: str) -> None:
    with pytest.raises(NoAnswerError) as caught:
        read_answer(0, one_second_each(pieces))
    assert caught.value.status == status
    assert said in str(caught.value) or "no text or no token counts" in str(caught.value)


def test_an_answer_of_stated_length_ends_with_it() -> None:
    finder = EndFinder()
    finder.feed(b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nab")
    assert not finder.complete
    finder.feed(b"cde")
    assert finder.complete


@pytest.fixture
def silent() -> Iterator[int]:
    """A server that takes a request and says nothing until its client hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.uses_network
def test_patience_ends_where_no_answer_comes(silent: int) -> None:
    connection = Connection(silent)
    with pytest.raises(TimeoutError):
        connection.ask("/", {}, until=0.0)
    connection.close()
