"""What other servers send is read as the hostile input it may be."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from sigmavault.core.chat import Finish, Message, Role, Tool
from sigmavault.core.wish import AnswerEvent, AnswerStarted, CallDelta, ChoiceFinished, ContentDelta, Wish
from sigmavault.ryzan.remote.events import (
    LINE_LIMIT,
    TOTAL_LIMIT,
    Lines,
    NonsenseError,
    Reader,
    error_message,
    read_vectors,
)

HELLO = (Message(role=Role.USER, content="x"),)
WISH = Wish(prompt=HELLO, tools=(Tool(name="weather"),))


def chunk(**fields: Any) -> str:
    return "data: " + json.dumps(fields)


def delta(finish: str | None = None, index: int = 0, **fields: Any) -> str:
    return chunk(choices=[{"index": index, "delta": fields, "finish_reason": finish}])


def read(*lines: str, wish: Wish = WISH) -> list[AnswerEvent]:
    reader = Reader(wish)
    events = [event for line in lines for event in reader.read(line.encode())]
    return [*events, *reader.end()] if reader.ended else events


USAGE = chunk(
    choices=[],
    usage={"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}},
)
DONE = "data: [DONE]"


def test_an_answer() -> None:
    assert read(delta(role="assistant", content=""), delta(content="Hi"), delta("stop"), USAGE, DONE) == [
        ContentDelta(index=0, text="Hi"),
        AnswerStarted(prompt_tokens=12, cached_tokens=8),
        ChoiceFinished(index=0, finish=Finish.STOP, completion_tokens=3),
    ]


def test_what_is_no_data_says_nothing() -> None:
    assert read(": comment", "", "event: message", "id: 1", "retry: 5") == []


def test_nothing_counts_after_the_end() -> None:
    reader = Reader(WISH)
    for line in (delta("stop"), DONE):
        list(reader.read(line.encode()))
    assert list(reader.read(delta(content="more").encode())) == []


def test_tool_calls_in_parts() -> None:
    head = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    part = {"index": 0, "function": {"arguments": "{}"}}
    events = read(delta(tool_calls=[head]), delta(tool_calls=[part]), delta("tool_calls"), DONE)
    assert events[:2] == [
        CallDelta(index=0, call=0, id="call_1", name="weather"),
        CallDelta(index=0, call=0, arguments="{}"),
    ]
    assert events[-1] == ChoiceFinished(index=0, finish=Finish.TOOL_CALLS, completion_tokens=0)


def test_all_choices_end_and_the_counts_are_told_once() -> None:
    wish = Wish(prompt=HELLO, choices=2)
    events = read(delta("stop", 1), delta("length", 0), USAGE, DONE, wish=wish)
    assert events[1:] == [
        ChoiceFinished(index=0, finish=Finish.LENGTH, completion_tokens=3),
        ChoiceFinished(index=1, finish=Finish.STOP, completion_tokens=0),
    ]


def test_log_probabilities() -> None:
    told = {"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": [{"token": "é", "logprob": -0.5}]}
    line = chunk(choices=[{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [told]}}])
    (event,) = read(line)
    assert isinstance(event, ContentDelta)
    assert event.logprobs[0].chosen.token == b"a"
    assert event.logprobs[0].top[0].token == "é".encode()


def test_texts_of_completions() -> None:
    assert read(chunk(choices=[{"index": 0, "text": "more"}])) == [ContentDelta(index=0, text="more")]


def call(**fields: Any) -> str:
    return delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "weather"}, **fields}])


@pytest.mark.parametrize(
    "line",
    [
        "data: {",
        "data: [1]",
        "data: " + "[" * 100_000,
        chunk(error={"message": "out of memory"}),
        chunk(choices=3),
        chunk(choices=[3]),
        chunk(choices=[{}, {}]),
        delta(index=1, content="x"),
        delta(index=-1, content="x"),
        delta(content=5),
        delta("because"),
        chunk(choices=[{"index": 0, "finish_reason": ["stop"]}]),
        delta(tool_calls={"index": 0}),
        call(function={"name": "rm", "arguments": ""}),
        call(function={"name": ["weather"]}),
        call(function={"name": "weather", "arguments": 1}),
        call(id=""),
        call(id="x" * 300),
        call(index=500),
        chunk(choices=[{"index": 0, "delta": {"content": "x"}, "logprobs": {"content": [{"token": 1}]}}]),
        chunk(choices=[{"index": 0, "delta": {"content": "x"}, "logprobs": 7}]),
    ],
)
def test_nonsense_is_an_error(line: str) -> None:
    with pytest.raises(NonsenseError):
        read(line)


@pytest.mark.parametrize(
    "lines",
    [
        [DONE],
        [delta(content="half"), DONE],
        [delta("stop"), chunk(choices=[], usage={"prompt_tokens": -1}), DONE],
        [delta("stop"), chunk(choices=[], usage={"prompt_tokens": 1e9}), DONE],
        [delta("stop"), chunk(choices=[], usage={"completion_tokens": 1 << 40}), DONE],
    ],
)
def test_an_end_that_cannot_be_is_an_error(lines: list[str]) -> None:
    with pytest.raises(NonsenseError):
        read(*lines)


def test_altered_answers_are_read_or_refused_and_nothing_else() -> None:
    chance = random.Random(1)  # noqa: S311
    whole = "\n".join([delta(content="Hi"), call(), delta("stop"), USAGE, DONE]).encode()
    outcomes = set()
    for _ in range(5000):
        altered = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            altered[chance.randrange(len(altered))] = chance.randrange(256)
        reader = Reader(WISH)
        try:
            for line in Lines().feed(bytes(altered) + b"\n"):
                list(reader.read(line))
            outcomes.add("read")
        except NonsenseError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_lines_are_cut_wherever_the_network_cuts() -> None:
    lines = Lines()
    cut = [line for part in (b"da", b"ta: 1\r\n\nda", b"ta: 2\n", b"rest") for line in lines.feed(part)]
    assert cut == [b"data: 1", b"", b"data: 2"]


def test_lines_and_the_whole_are_bounded() -> None:
    with pytest.raises(NonsenseError, match="line"):
        list(Lines().feed(b"x" * (LINE_LIMIT + 1)))
    lines = Lines()
    with pytest.raises(NonsenseError, match="more than"):
        for _ in range(TOTAL_LIMIT // LINE_LIMIT + 1):
            list(lines.feed(b"x" * (LINE_LIMIT - 1) + b"\n" + b"y"))


def vectors(*rows: Any) -> bytes:
    data = [{"index": at, "embedding": row} for at, row in enumerate(rows)]
    return json.dumps({"data": data, "usage": {"prompt_tokens": 7}}).encode()


def test_vectors_have_length_one() -> None:
    found = read_vectors(vectors([3, 4], [0, 2.0]), 2)
    assert found.vectors == ((0.6, 0.8), (0.0, 1.0))
    assert found.prompt_tokens == 7


@pytest.mark.parametrize(
    "data",
    [
        vectors([1.0]),
        vectors([1.0], [1.0, 2.0]),
        vectors([1.0], []),
        vectors([1.0], ["x"]),
        vectors([1.0], [0.0]),
        vectors([1.0], [True]),
        b'{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]}',
        b'{"data": [{"index": 0, "embedding": [1e999]}, {"index": 1, "embedding": [1]}]}',
        b"{}",
        b"nonsense",
    ],
)
def test_vectors_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(NonsenseError):
        read_vectors(data, 2)


def test_messages_of_errors_are_short_and_printable() -> None:
    told = json.dumps({"error": {"message": "bad\x1b[31m" + "x" * 1000, "code": "c"}}).encode()
    message, code = error_message(told)
    assert message.startswith("bad[31mxxx")
    assert (len(message), code) == (300, "c")
    assert error_message(b"[]") == error_message(b"<html>") == ("", "")
