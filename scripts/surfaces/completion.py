"""The part of the completion of bash that knows the operations: data, a case for each."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import Any

from sigmavault.cli.host import arguments, noun
from sigmavault.core.operation import Operation
from sigmavault.core.operation.shape import Form, Shape, shapes
from sigmavault.operations import registry

PATH = "services/data/usr/share/bash-completion/completions/sigmavault"
_BEGIN = "# what follows is generated from the registry of operations by `make render`\n"
_END = "# generated until here\n"
_BLOCK = re.compile(rf"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)


def completion(text: str) -> str:
    """The file with its generated part made anew."""
    block = "".join((_BEGIN, *_data(registry.nouns()), _END))
    return _BLOCK.sub(lambda _: block, text)


def _data(nouns: Iterable[str]) -> Iterable[str]:
    yield f'_sigmavault_nouns="{" ".join(nouns)}"\n\n'
    yield "_sigmavault_operation() {\n    case $1 in\n"
    for each in nouns:
        operations = registry.of_noun(each)
        verbs = [name.partition(".")[2] for name in operations]
        yield f'        {each}) options="{" ".join((*verbs, "--help"))}" ;;\n'
        for name, operation in operations.items():
            yield f'        "{name.replace(".", " ")}")\n{_case(operation)}            ;;\n'
    yield "    esac\n}\n"


def _case(operation: type[Operation[Any, Any]]) -> str:
    fields = shapes(operation.arguments_type())
    lines = [f'options="{" ".join(_options(operation))}"']
    if places := [_offer(each) for each in fields if each.is_positional]:
        lines.append(f'places="{" ".join(places)}"')
    values = {arguments.option(each): _offer(each) for each in fields if _takes_value(each)}
    values |= _common_values(operation)
    if values:
        lines.append(f'values="{" ".join(f"{key}={offer}" for key, offer in values.items())}"')
    return "".join(f"            {line}\n" for line in lines)


def _takes_value(shape: Shape) -> bool:
    return not shape.is_positional and (shape.form is not Form.FLAG or shape.is_many)


def _options(operation: type[Operation[Any, Any]]) -> list[str]:
    """The long options of its command line, as its parser has them."""
    command = argparse.ArgumentParser()
    noun.add_verb(command, operation)
    return [
        word
        for action in command._actions
        if action.help != argparse.SUPPRESS
        for word in action.option_strings
        if word.startswith("--")
    ]


def _common_values(operation: type[Operation[Any, Any]]) -> dict[str, str]:
    offered = {
        "--columns": "-",
        "--confirm": "-",
        "--secret-file": "-",
        "--secret-stdin": "-",
        "--save": "@file",
    }
    if secrets := getattr(operation, "secrets", {}):
        offered |= {"--secret-stdin": ",".join(secrets), "--secret-file": "@file"}
    return {word: offer for word, offer in offered.items() if word in _options(operation)}


def _offer(shape: Shape) -> str:
    """What may stand there: `a,b` one of these, `@pool` what the list of a noun has, `-` nothing is known."""
    offer = ",".join(shape.choices) or (f"@{shape.listed}" if shape.listed else "-")
    return f"{offer}*" if shape.is_many and shape.is_positional else offer
