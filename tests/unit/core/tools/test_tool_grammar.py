"""What a grammar of calls lets through is read as calls whose arguments satisfy the tools' schemas."""

from __future__ import annotations

import json
import random
import re

import jsonschema
import pytest
from sigmavault.core.chat import Tool
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.tools import MAX_CALLS, CallParser, ToolFormat, call_grammar
from sigmavault.core.wish import ToolChoice, ToolMode

from tests.unit.core.grammar.gbnf_reader import Matcher, Reader
from tests.unit.core.tools.samples import CALLS, SNAPSHOT, TOOLS, UPTIME
from tests.unit.core.tools.test_tool_calls import read, told

REQUIRED = ToolChoice(mode=ToolMode.REQUIRED)
SCHEMAS = {each.name: dict(each.parameters) or {"type": "object", "maxProperties": 0} for each in TOOLS}


def written(gbnf: str, count: int = 60) -> list[str]:
    reader, luck = Reader.read(gbnf), random.Random(5)  # noqa: S311
    return [reader.write(luck) for _ in range(count)]


@pytest.mark.parametrize("form", ToolFormat)
@pytest.mark.parametrize("parallel", [True, False])
def test_what_the_grammar_matches_is_read_as_calls(form: ToolFormat, parallel: bool) -> None:
    grammar = call_grammar(TOOLS, REQUIRED, parallel=parallel, written=form)
    assert grammar
    assert not grammar.triggers
    counts, names = set(), set()
    for answer in written(grammar.gbnf):
        text, calls = told(read(form, [answer]))
        assert not text, answer
        for name, arguments in calls:
            jsonschema.validate(arguments, SCHEMAS[name])
            names.add(name)
        counts.add(len(calls))
    assert names == set(SCHEMAS)
    several = parallel and form is not ToolFormat.LLAMA3
    assert counts == {1} if not several else 1 < max(counts) <= MAX_CALLS


@pytest.mark.parametrize("form", ToolFormat)
@pytest.mark.parametrize("root", ["itself", "a definition"])
def test_arguments_that_hold_themselves_are_read_as_calls(form: ToolFormat, root: str) -> None:
    tree = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "inner": {"type": "array", "maxItems": 2}},
        "required": ["name", "inner"],
        "additionalProperties": False,
    }
    pointer = "#" if root == "itself" else "#/$defs/tree"
    tree["properties"]["inner"]["items"] = {"$ref": pointer}  # type: ignore[index]
    parameters = tree if root == "itself" else {"$ref": pointer, "$defs": {"tree": tree}}
    tools = [Tool(name="plant", parameters=parameters)]
    try:
        grammar = call_grammar(tools, REQUIRED, parallel=True, written=form)
    except InvalidRequestError:  # as other arguments that Python cannot name
        assert (form, root) == (ToolFormat.PYTHONIC, "a definition")
        return
    assert grammar
    for answer in written(grammar.gbnf, 20):
        parser = CallParser(form, ["plant"])
        text, calls = told([*parser.feed(answer), *parser.end()])
        assert not text
        for _, arguments in calls:
            jsonschema.validate(arguments, parameters)


@pytest.mark.parametrize(
    "name",
    [
        *("qwen 3", "qwen 3, two calls", "granite 4", "smollm3, brackets in strings", "smollm2 as told"),
        *("hermes, closing marker in a string", "mistral 7b, two calls", "lfm2", "llama 3.2"),
    ],
)
def test_what_models_write_is_among_what_the_grammar_matches(name: str) -> None:
    form, answer, _, _ = CALLS[name]
    grammar = call_grammar(TOOLS, REQUIRED, parallel=True, written=form)
    assert grammar
    assert Matcher(Reader.read(grammar.gbnf)).matches(answer)


@pytest.mark.parametrize("form", ToolFormat)
def test_a_named_tool_is_the_only_one(form: ToolFormat) -> None:
    choice = ToolChoice(mode=ToolMode.NAMED, name="uptime")
    grammar = call_grammar(TOOLS, choice, parallel=True, written=form)
    assert grammar
    assert not grammar.triggers
    for answer in written(grammar.gbnf, 10):
        assert {each for each, _ in told(read(form, [answer]))[1]} == {"uptime"}


@pytest.mark.parametrize("form", ToolFormat)
def test_with_auto_the_grammar_begins_with_the_triggers(form: ToolFormat) -> None:
    grammar = call_grammar(TOOLS, ToolChoice(), parallel=False, written=form)
    assert grammar
    if form is not ToolFormat.LLAMA3:
        assert all(each.startswith(grammar.triggers) for each in written(grammar.gbnf))
    reader = Matcher(Reader.read(grammar.gbnf))
    for trigger in grammar.triggers:
        assert reader.may_begin(trigger), trigger


def test_without_tools_or_with_none_there_is_no_grammar() -> None:
    for tools, mode in ((TOOLS, ToolMode.NONE), ((), ToolMode.AUTO), ((), ToolMode.NONE)):
        choice = ToolChoice(mode=mode)
        assert call_grammar(tools, choice, parallel=True, written=ToolFormat.HERMES) is None


@pytest.mark.parametrize(
    ("tools", "choice", "param"),
    [
        (TOOLS, ToolChoice(mode=ToolMode.NAMED, name="rm"), "tool_choice"),
        ((), REQUIRED, "tool_choice"),
        ((), ToolChoice(mode=ToolMode.NAMED, name="rm"), "tool_choice"),
        ((UPTIME, UPTIME), ToolChoice(), "tools"),
        ([Tool(name=f"t{n}") for n in range(129)], ToolChoice(), "tools"),
        ((UPTIME, Tool(name="b", parameters={"type": "array"})), REQUIRED, "tools[1].function.parameters"),
        ((UPTIME, Tool(name="b", parameters={"not": {}})), REQUIRED, "tools[1].function.parameters"),
    ],
)
def test_what_cannot_be_called_is_refused(tools: list[Tool], choice: ToolChoice, param: str) -> None:
    with pytest.raises(InvalidRequestError) as error:
        call_grammar(tools, choice, parallel=True, written=ToolFormat.HERMES)
    assert error.value.param == param


@pytest.mark.parametrize(
    "parameters",
    [
        {"properties": {"dry-run": {"type": "boolean"}}},
        {"properties": {"a": {}}, "additionalProperties": True},
        {"anyOf": [{"required": ["a"]}], "properties": {"a": {}, "b=": {}}},
    ],
)
def test_arguments_that_python_cannot_name_are_refused_for_pythonic_models(
    parameters: dict[str, object],
) -> None:
    tools = [Tool(name="a", parameters=parameters)]
    with pytest.raises(InvalidRequestError):
        call_grammar(tools, REQUIRED, parallel=True, written=ToolFormat.PYTHONIC)
    assert call_grammar(tools, REQUIRED, parallel=True, written=ToolFormat.HERMES)


def test_constants_of_python_stay_in_pythonic_calls() -> None:
    parameters = {
        "properties": {"a": {"enum": [True, None]}, "b": {"type": "boolean"}},
        "required": ["a", "b"],
    }
    tools = [Tool(name="f", parameters=parameters)]
    for form, words in ((ToolFormat.PYTHONIC, "True False None"), (ToolFormat.HERMES, "true false null")):
        grammar = call_grammar(tools, REQUIRED, parallel=False, written=form)
        assert grammar
        text = " ".join(written(grammar.gbnf, 40))
        assert set(re.findall(r"(?i)\b(?:true|false|none|null)\b", text)) == set(words.split())


def test_the_longest_arguments_are_read() -> None:
    arguments = {"dataset": "ü" * 40, "keep": 365, "tags": ["12345678"] * 3, "note": "x" * 60_000}
    answer = f'<tool_call>{{"name": "{SNAPSHOT.name}", "arguments": {json.dumps(arguments)}}}</tool_call>'
    assert told(read(ToolFormat.HERMES, [answer])) == ("", [(SNAPSHOT.name, arguments)])
