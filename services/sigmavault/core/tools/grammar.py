"""The grammar of an answer that calls tools."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sigmavault.core.chat import Grammar, Tool
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.grammar.gbnf import Node, Repeat, Rules, Text, alt, seq
from sigmavault.core.grammar.json_text import JSON, PYTHON, any_object, key, space
from sigmavault.core.grammar.schema import SchemaCompiler, render
from sigmavault.core.tools.formats import MARKERS, ToolFormat
from sigmavault.core.wish import JsonFormat, ToolChoice, ToolMode

MAX_CALLS = 16
"""Of one answer."""
MAX_TOOLS = 128


def allowed_tools(tools: Sequence[Tool], choice: ToolChoice) -> tuple[Tool, ...]:
    """The tools that may be called.

    Raises:
        InvalidRequestError: the tool that must be called is not there, there are too many, or
            two have the same name.
    """
    if len(tools) > MAX_TOOLS:
        raise InvalidRequestError(f"more than {MAX_TOOLS} tools", param="tools")
    if len({each.name for each in tools}) < len(tools):
        raise InvalidRequestError("two tools have the same name", param="tools")
    if choice.mode is ToolMode.NONE:
        return ()
    if choice.mode is ToolMode.NAMED:
        named = tuple(each for each in tools if each.name == choice.name)
        if not named:
            raise InvalidRequestError(f"no tool is named {choice.name!r}", param="tool_choice")
        return named
    if choice.mode is ToolMode.REQUIRED and not tools:
        raise InvalidRequestError("a tool must be called, but there is none", param="tool_choice")
    return tuple(tools)


def call_grammar(
    tools: Sequence[Tool],
    choice: ToolChoice,
    *,
    parallel: bool,
    written: ToolFormat,
    instead: JsonFormat | None = None,
) -> Grammar | None:
    """What form calls must have; None when no tool may be called.

    With `auto` it holds only from one of its triggers on, and begins with that text. With `auto` and a form
    for answers that call nothing it holds from the first token on: the answer is calls, or has that form.

    Args:
        tools: that there are.
        choice: whether they are called.
        parallel: whether one answer may call several times; up to 16 times then.
        written: how the model writes calls.
        instead: form of an answer that calls nothing.

    Raises:
        InvalidRequestError: a tool's parameters, or the form, cannot be put into a grammar; names which.
    """
    allowed = allowed_tools(tools, choice)
    if not allowed:
        return None
    written = ToolFormat.HERMES if written is ToolFormat.GENERIC else written
    rules = Rules()
    calls = {each.name: _arguments(rules, each, list(tools).index(each), written) for each in allowed}
    root = _answer(rules, calls, MAX_CALLS if parallel else 1, written)
    lazy = choice.mode is ToolMode.AUTO
    if lazy and instead is not None:
        root, lazy = alt(root, _instead(rules, instead, written)), False
    gbnf = render(rules, root, param="tools")
    return Grammar(gbnf=gbnf, triggers=_triggers(allowed, written) if lazy else ())


def _instead(rules: Rules, form: JsonFormat, written: ToolFormat) -> Node:
    if written is ToolFormat.LLAMA3:
        raise InvalidRequestError(
            "this model's calls cannot be told from other JSON: beside a response_format, tool_choice "
            "must be `required`, `none` or a named one",
            param="response_format",
        )
    return _form(rules, form)


def _form(rules: Rules, form: JsonFormat) -> Node:
    if form.schema is None:
        return any_object(rules, JSON)
    return SchemaCompiler(
        rules=rules, root=form.schema, param="response_format", strict=form.strict
    ).compile()


def _triggers(tools: Sequence[Tool], written: ToolFormat) -> tuple[str, ...]:
    if written is not ToolFormat.LLAMA3:
        return (MARKERS[written][0],)
    # No marker: only JSON that names a tool is a call.
    return tuple(f'{{"name":{gap}{json.dumps(each.name)}' for each in tools for gap in ("", " "))


def _arguments(rules: Rules, tool: Tool, index: int, written: ToolFormat) -> Node:
    pythonic = written is ToolFormat.PYTHONIC
    return SchemaCompiler(
        rules=rules,
        root=_parameters(tool.parameters, f"tools[{index}].function.parameters"),
        param=f"tools[{index}].function.parameters",
        dialect=PYTHON if pythonic else JSON,
        call=pythonic,
    ).compile()


def _parameters(schema: Mapping[str, Any], param: str) -> Mapping[str, Any]:
    """The schema of an object; one that names no property allows none."""
    if schema.get("type", "object") != "object":
        raise InvalidRequestError("`type` at #: arguments are an `object`", param=param)
    named = {"properties", "additionalProperties", "required", "$ref", "anyOf", "oneOf", "allOf"}
    closed = {} if any(schema.get(each) for each in named) else {"additionalProperties": False}
    return {**schema, "type": "object", **closed}


def _answer(rules: Rules, calls: Mapping[str, Node], most: int, written: ToolFormat) -> Node:
    gap = space(rules)
    begin, end = map(Text, MARKERS[written])
    match written:
        case ToolFormat.MISTRAL:
            call = rules.add("call", _object(rules, calls, "arguments"))
            return seq(
                begin, gap, Text("["), gap, _several(rules, call, seq(Text(","), gap), most), gap, Text("]")
            )
        case ToolFormat.MISTRAL_ARGS:
            named = (seq(begin, Text(f"{name}[ARGS]"), arguments) for name, arguments in calls.items())
            return _several(rules, rules.add("call", alt(*named)), Text(""), most)
        case ToolFormat.PYTHONIC:
            call = rules.add("call", alt(*(seq(Text(name), arguments) for name, arguments in calls.items())))
            return seq(begin, Text("["), _several(rules, call, Text(", "), most), Text("]"), end)
        case ToolFormat.LLAMA3:
            return _object(rules, calls, "parameters")
        case _:
            body = rules.add("call", seq(begin, gap, _object(rules, calls, "arguments"), gap, end))
            return _several(rules, body, gap, most)


def _several(rules: Rules, call: Node, between: Node, most: int) -> Node:
    if most == 1:
        return call
    return seq(call, Repeat(rules.add("further", seq(between, call)), 0, most - 1))


def _object(rules: Rules, calls: Mapping[str, Node], arguments: str) -> Node:
    gap = space(rules)
    named = (
        seq(Text(f"{json.dumps(name)},"), gap, key(arguments), gap, node) for name, node in calls.items()
    )
    return seq(Text("{"), gap, key("name"), gap, alt(*named), gap, Text("}"))
