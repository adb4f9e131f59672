"""What holds for each operation of the registry, whoever wrote it."""

from __future__ import annotations

import argparse
import inspect
import json
import re
import shlex
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter
from sigmavault.cli.host import arguments, noun
from sigmavault.cli.main import COMMANDS
from sigmavault.core.grammar.schema import compile_schema
from sigmavault.core.operation import Change, Operation, Read, Risk
from sigmavault.core.operation.arguments import parse
from sigmavault.core.operation.shape import Form, shapes
from sigmavault.core.operation.surfaces import tool, tool_name, verb
from sigmavault.operations import registry

type Kind = type[Operation[Any, Any]]

EVERYTHING = registry.everything()
each_operation = pytest.mark.parametrize("operation", EVERYTHING.values(), ids=EVERYTHING)


def test_no_noun_is_a_command_of_its_own_already() -> None:
    assert not set(COMMANDS) & set(noun.nouns())
    assert not any(each.startswith("_") for each in noun.nouns())


@each_operation
def test_its_file_bears_its_name(operation: Kind) -> None:
    path = Path(inspect.getfile(operation))
    assert operation.name == f"{path.parent.name}.{path.stem.replace('_', '-')}"
    assert len(path.read_text().splitlines()) < 400


@each_operation
def test_its_summary_is_an_imperative_on_one_line(operation: Kind) -> None:
    summary = operation.summary
    assert re.fullmatch(r"[A-Z][a-z]+(-[a-z]+)? [^\n]*[^.\s]", summary), summary
    assert len(summary) <= 100
    assert not summary.split()[0].endswith("s"), f"not an imperative: {summary}"


@each_operation
def test_its_risk_is_that_of_its_kind(operation: Kind) -> None:
    assert issubclass(operation, Read) == (operation.risk is Risk.READ)
    assert issubclass(operation, Change) == (operation.risk in (Risk.CHANGE, Risk.DESTROY))


@each_operation
def test_every_argument_says_what_it_is_and_shows_an_example(operation: Kind) -> None:
    for shape in shapes(operation.arguments_type()):
        assert shape.description, shape.name
        assert not shape.description.endswith("."), shape.description
        if (shape.is_required or shape.is_positional) and not shape.choices and shape.form is not Form.FLAG:
            assert shape.examples, f"{shape.name} has no example"


@each_operation
def test_the_examples_of_its_arguments_are_right(operation: Kind) -> None:
    kind = operation.arguments_type()
    for name, field in kind.model_fields.items():
        adapter = TypeAdapter[Any](Annotated[field.annotation, "", *field.metadata])
        is_list = adapter.json_schema().get("type") == "array"
        for shown in field.examples or ():
            example = [shown] if is_list and not isinstance(shown, list) else shown
            told = f"{name}: {example!r}"
            assert adapter.validate_json(json.dumps(example), strict=True) is not None, told


@each_operation
def test_its_command_lines_work(operation: Kind) -> None:
    assert operation.examples
    for example in operation.examples:
        words = shlex.split(example)
        assert words[0] == operation.name.partition(".")[0], example
        command = argparse.ArgumentParser(exit_on_error=False)
        actions = command.add_subparsers(dest="action", parser_class=noun.VerbParser)
        noun.add_verb(actions.add_parser(verb(operation), exit_on_error=False), operation)
        given = command.parse_args(words[1:])
        found = arguments.to_json(operation.arguments_type(), given)
        parse(operation.arguments_type(), arguments.spelled(found))


def test_tools_of_models_have_names_of_their_own() -> None:
    names = [tool_name(each) for each in EVERYTHING.values()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{2,63}", name) for name in names)


@each_operation
def test_a_model_can_be_held_to_its_schema(operation: Kind) -> None:
    assert compile_schema(tool(operation)["inputSchema"], param=operation.name)


@each_operation
def test_its_answer_can_be_shown(operation: Kind) -> None:
    below, seen = [operation.answer_type()], set()
    while below:
        model = below.pop()
        if model not in seen:
            seen.add(model)
            below += [shape.part for shape in shapes(model) if shape.part is not None]  # type: ignore[misc]


@each_operation
def test_its_secrets_can_be_asked_for(operation: Kind) -> None:
    if issubclass(operation, Change):
        assert operation.known_secrets <= set(operation.secrets)
        for name, meaning in (*operation.secrets.items(), *operation.gives.items()):
            assert re.fullmatch(r"[a-z][a-z0-9_-]*", name)
            assert meaning
            assert meaning[-1].isalnum() or meaning[-1] == ")"
