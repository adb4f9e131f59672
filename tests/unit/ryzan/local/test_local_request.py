"""From wishes to requests."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from sigmavault.core.chat import Conversation, Grammar, Message, Role, Text
from sigmavault.core.errors import InvalidRequestError, NotAuthorizedError
from sigmavault.core.grammar import any_json_object, compile_schema
from sigmavault.core.manifest import SamplingDefaults
from sigmavault.core.tools import ToolFormat
from sigmavault.core.wish import Caller, JsonFormat, ToolChoice, ToolMode, Wish
from sigmavault.ryzan.local.forms import KEPT, Forms
from sigmavault.ryzan.local.request import (
    LONGEST_GRAMMAR,
    calling_of,
    check,
    complete,
    each_choice,
    form_of,
)

from tests.unit.core.grammar.gbnf_reader import Matcher, Reader
from tests.unit.core.tools.samples import TOOLS

HELLO = (Message(role=Role.USER, content="How is the pool tank?"),)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "any": {}},
    "required": ["ok", "any"],
    "additionalProperties": False,
}
JSON = JsonFormat(schema=SCHEMA, name="state")
FREE = Wish(prompt=HELLO)
CALLS = replace(FREE, tools=TOOLS)
ROOT = Caller(space="uid:0")
WARM = SamplingDefaults(temperature=0.7)
H, P = ToolFormat.HERMES, ToolFormat.PYTHONIC


def choosing(mode: ToolMode, name: str = "") -> Wish:
    return replace(CALLS, tool_choice=ToolChoice(mode=mode, name=name))


def matches(form: Grammar | None, *texts: str) -> list[bool]:
    assert form is not None
    matcher = Matcher(Reader.read(form.gbnf))
    return [matcher.matches(each) for each in texts]


UPTIME = '<tool_call>{"name": "uptime", "arguments": {}}</tool_call>'
TANK = '<tool_call>{"name": "pool_status", "arguments": {"pool": "tank"}}</tool_call>'
STATE = '{"ok": true, "any": [true, null]}'


def test_free_text_has_no_form_and_no_calls() -> None:
    for wish in (FREE, choosing(ToolMode.NONE)):
        assert form_of(wish, H) is None
        assert calling_of(wish, H) is None


def test_form_of_json() -> None:
    assert form_of(replace(FREE, response_format=JsonFormat()), H) == Grammar(gbnf=any_json_object())
    asked = form_of(replace(FREE, response_format=JSON), H)
    assert asked == Grammar(gbnf=compile_schema(SCHEMA, param="response_format"))
    with pytest.raises(InvalidRequestError, match="additionalProperties") as raised:
        form_of(replace(FREE, response_format=JsonFormat(schema={"type": "object"}, strict=True)), H)
    assert raised.value.param == "response_format"


def test_required_calls_win_over_a_format() -> None:
    for mode, name in ((ToolMode.REQUIRED, ""), (ToolMode.NAMED, "uptime")):
        wish = replace(choosing(mode, name), response_format=JSON)
        form = form_of(wish, H)
        assert matches(form, UPTIME, STATE) == [True, False]
        assert form == form_of(replace(wish, response_format=None), H)
        calling = calling_of(wish, H)
        assert calling
        assert not calling.leading


def test_a_format_holds_where_no_tool_may_be_called() -> None:
    wish = replace(choosing(ToolMode.NONE), response_format=JSON)
    assert form_of(wish, H) == form_of(replace(FREE, response_format=JSON), H)
    assert calling_of(wish, H) is None


@pytest.mark.parametrize("written", [each for each in ToolFormat if each is not ToolFormat.LLAMA3])
def test_auto_beside_a_format_is_calls_or_that_format(written: ToolFormat) -> None:
    form = form_of(replace(CALLS, response_format=JSON), written)
    assert form
    assert not form.triggers
    calls = form_of(choosing(ToolMode.REQUIRED), written)
    assert calls
    call = Reader.read(calls.gbnf).write(random.Random(3))  # noqa: S311
    python = '{"ok": True, "any": None}'
    assert matches(form, call, STATE, python, "Hello") == [True, True, False, False]
    calling = calling_of(replace(CALLS, response_format=JSON), written)
    assert calling
    assert calling.leading


def test_auto_beside_a_format_is_refused_where_calls_look_like_it() -> None:
    for form in (JSON, JsonFormat()):
        with pytest.raises(InvalidRequestError, match="cannot be told") as raised:
            form_of(replace(CALLS, response_format=form), ToolFormat.LLAMA3)
        assert raised.value.param == "response_format"


def test_one_call_or_several() -> None:
    several, one = (
        choosing(ToolMode.REQUIRED),
        replace(choosing(ToolMode.REQUIRED), parallel_tool_calls=False),
    )
    assert matches(form_of(several, H), UPTIME, TANK + UPTIME) == [True, True]
    assert matches(form_of(one, H), UPTIME, TANK + UPTIME) == [True, False]
    found = [calling_of(each, H) for each in (several, one)]
    assert [each and each.most for each in found] == [16, 1]


def test_tools_are_told_by_the_template_or_in_words() -> None:
    native = complete(CALLS, WARM, H).prompt
    assert native == Conversation(messages=HELLO, tools=TOOLS)
    told = complete(CALLS, WARM, ToolFormat.GENERIC).prompt
    assert isinstance(told, Conversation)
    assert told.tools == ()
    assert "pool_status" in told.messages[0].content
    silent = complete(choosing(ToolMode.NONE), WARM, H).prompt
    assert silent == Conversation(messages=HELLO)
    assert complete(Wish(prompt=Text(text="x")), WARM).prompt == Text(text="x")


def test_only_conversations_have_tools() -> None:
    with pytest.raises(InvalidRequestError, match="conversations"):
        check(replace(CALLS, prompt=Text(text="x")))
    check(CALLS)


def test_a_grammar_is_taken_from_root_only() -> None:
    own = replace(FREE, grammar='root ::= "a"')
    for space in ("local", "uid:1000", "key:0", "uid:00", ""):
        with pytest.raises(NotAuthorizedError):
            check(replace(own, caller=Caller(space=space)))
    check(replace(own, caller=ROOT))
    assert form_of(own, H) == Grammar(gbnf='root ::= "a"')
    for wrong in (
        {"grammar": "x" * (LONGEST_GRAMMAR + 1)}, {"tools": TOOLS}, {"response_format": JSON},
    ):  # fmt: skip
        with pytest.raises(InvalidRequestError) as raised:
            check(replace(own, caller=ROOT, **wrong))
        assert raised.value.param == "grammar"


def test_choices_have_seeds_of_their_own_unless_they_are_the_same() -> None:
    first = complete(replace(FREE, seed=2**32 - 3), WARM)
    assert [each.sampling.seed for each in each_choice(first, 4)] == [2**32 - 3, 2**32 - 2, 0, 1]
    assert {replace(each, sampling=first.sampling) for each in each_choice(first, 4)} == {first}
    greedy = complete(replace(FREE, temperature=0.0), WARM)
    assert each_choice(greedy, 4) == (greedy,)


async def found_by(forms: Forms, *wishes: Wish) -> list[Grammar | None]:
    return [await forms.find(each, H) for each in wishes]


def test_forms_are_found_again_by_what_decides_them() -> None:
    forms = Forms()
    wish = replace(CALLS, response_format=JSON)
    turned = {**SCHEMA, "properties": dict(reversed(SCHEMA["properties"].items()))}
    same = replace(wish, prompt=(Message(role=Role.USER, content="else"),), temperature=1.0, choices=2)
    others = [
        replace(wish, response_format=JsonFormat(schema=turned)),
        replace(wish, parallel_tool_calls=False),
        replace(wish, tools=TOOLS[:2]),
        choosing(ToolMode.REQUIRED),
        choosing(ToolMode.NAMED, "uptime"),
    ]
    found = asyncio.run(found_by(forms, wish, same, *others))
    assert found[0] is found[1]
    assert len({each.gbnf for each in found if each}) == 1 + len(others) == len(forms)
    assert found == [form_of(each, H) for each in (wish, same, *others)]


def test_only_so_many_forms_are_kept() -> None:
    forms = Forms()
    wishes = [replace(FREE, response_format=JsonFormat(schema={"const": at})) for at in range(KEPT + 5)]
    asyncio.run(found_by(forms, *wishes))
    assert len(forms) == KEPT


def test_what_cannot_be_held_is_refused_from_beside_the_loop() -> None:
    deep = json.loads('{"items":' * 900 + "{}" + "}" * 900)
    schemas: list[dict[str, Any]] = [{"not": {}}, deep]
    for schema in schemas:
        with pytest.raises(InvalidRequestError):
            asyncio.run(found_by(Forms(), replace(FREE, response_format=JsonFormat(schema=schema))))
