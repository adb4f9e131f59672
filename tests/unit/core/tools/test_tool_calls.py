"""Calls are told from text, whatever the parts that an answer comes in."""

from __future__ import annotations

import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sigmavault.core.tools import (
    CallArguments,
    CallBegin,
    CallEnd,
    CallEvent,
    CallParser,
    TextPart,
    ToolFormat,
    detect,
)
from sigmavault.core.tools.formats import MARKERS

from tests.unit.core.tools.samples import CALLS, TEMPLATES, TEXTS, TOOLS, Calls

NAMES = [each.name for each in TOOLS]


def read(written: ToolFormat, parts: list[str]) -> list[CallEvent]:
    parser = CallParser(written, NAMES)
    return [event for part in parts for event in parser.feed(part)] + parser.end()


def told(events: list[CallEvent]) -> tuple[str, Calls]:
    """The text and the calls of an answer; holds the order of events."""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    ended = 0
    text = ""
    for event in events:
        match event:
            case TextPart(part):
                assert part
                assert ended == len(names), "text within a call"
                text += part
            case CallBegin(index, name):
                assert index == ended == len(names)
                names[index], arguments[index] = name, ""
            case CallArguments(index, delta):
                assert index == ended
                arguments[index] += delta
            case CallEnd(index):
                assert index == ended
                ended += 1
    assert ended == len(names)
    return text, [(name, json.loads(arguments[index])) for index, name in names.items()]


def split(text: str, luck: random.Random) -> list[str]:
    """Random parts of a text, as tokens come."""
    parts = []
    while text:
        size = luck.randint(1, 7)
        parts.append(text[:size])
        text = text[size:]
    return parts


@pytest.mark.parametrize("name", CALLS)
def test_calls_of_each_family_are_read(name: str) -> None:
    written, answer, text, calls = CALLS[name]
    luck = random.Random(3)  # noqa: S311
    for parts in ([answer], list(answer), *(split(answer, luck) for _ in range(20))):
        assert told(read(written, parts)) == (text, calls)


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_no_call_is_text_to_the_letter(name: str) -> None:
    written, answer = TEXTS[name]
    luck = random.Random(4)  # noqa: S311
    for parts in ([answer], list(answer), *(split(answer, luck) for _ in range(20))):
        assert told(read(written, parts)) == (answer, [])


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_template_tells_the_format(name: str) -> None:
    written, template = TEMPLATES[name]
    assert detect(template) is written


def test_text_is_told_at_once_unless_it_may_begin_a_call() -> None:
    parser = CallParser(ToolFormat.HERMES, NAMES)
    assert parser.feed("The pool") == [TextPart("The pool")]
    assert parser.feed(" is <") == [TextPart(" is ")]
    assert parser.feed("b>fine") == [TextPart("<b>fine")]
    assert parser.feed("<tool_") == []
    assert parser.feed("x") == [TextPart("<tool_x")]


def test_json_that_is_no_call_is_not_held_back() -> None:
    parser = CallParser(ToolFormat.LLAMA3, NAMES)
    assert parser.feed('{"pools": [') == [TextPart('{"pools": [')]
    assert parser.feed("1") == [TextPart("1")]


def test_calls_beyond_the_most_are_text() -> None:
    one = '<tool_call>{"name": "uptime", "arguments": {}}</tool_call>'
    parser = CallParser(ToolFormat.HERMES, NAMES, most=2)
    text, calls = told([*parser.feed(one * 3), *parser.end()])
    assert text == one
    assert len(calls) == parser.calls == 2


def test_a_call_after_a_broken_one_is_read() -> None:
    answer = '<tool_call>{"name": <tool_call>{"name": "uptime", "arguments": {}}</tool_call>'
    for parts in ([answer], list(answer)):
        assert told(read(ToolFormat.HERMES, parts)) == ('<tool_call>{"name": ', [("uptime", {})])


def test_half_a_surrogate_pair_stays_writable() -> None:
    answer = '<tool_call>{"name": "uptime", "arguments": {"a": "\\ud800"}}</tool_call>'
    arguments = [each.delta for each in read(ToolFormat.HERMES, [answer]) if isinstance(each, CallArguments)]
    assert json.loads(arguments[0]) == {"a": "\ud800"}
    assert arguments[0].encode()


@pytest.mark.parametrize("unit", ['<tool_call>{"\\"', "<tool_call>{", '<tool_call>{"', "<tool_call> "])
def test_hostile_answers_cost_little(unit: str) -> None:
    answer = unit * 20_000
    begin = time.process_time()
    assert told(read(ToolFormat.HERMES, [answer])) == (answer, [])
    assert time.process_time() - begin < 5


CALL = '{"name": "uptime", "arguments": {}}'
PIECES = st.sampled_from(
    [
        *(each for pair in MARKERS.values() for each in pair),
        *"{}[]\"'\\()=,a \n;",
        *(CALL, "uptime", "[ARGS]", "; ", '"name"', ": ", "uptime()"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(written=st.sampled_from(list(ToolFormat)), parts=st.lists(PIECES, max_size=25))
def test_no_answer_is_an_error_and_parts_do_not_matter(written: ToolFormat, parts: list[str]) -> None:
    whole = told(read(written, ["".join(parts)]))
    assert told(read(written, parts)) == whole
    assert told(read(written, list("".join(parts)))) == whole
