"""The reference of the operations: an index, and a page for each noun."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from sigmavault.cli.host.noun import help_text
from sigmavault.core.operation import Change, NoAnswer, Operation
from sigmavault.core.operation.shape import Shape, shapes
from sigmavault.core.operation.surfaces import action_id
from sigmavault.core.values import capital
from sigmavault.operations import registry

from scripts.surfaces import words

FOLDER = "docs/reference/operations"
INDEX = "docs/reference/operations.md"
_HEAD = """\
# Operations

Everything that the host daemon does. An operation is a command (`sigmavault pool list`), a method on the
system bus and a polkit action; a change gives a plan and a token, and is done by `Apply` of
`org.sigmavault.Host1`. Arguments and answers are JSON.

Generated from `services/sigmavault/operations` by `make render`.
"""


def pages() -> dict[str, str]:
    """Path in the checkout → text."""
    return {INDEX: _index(), **{f"{FOLDER}/{noun}.md": _page(noun) for noun in registry.nouns()}}


def _index() -> str:
    lines = [_HEAD]
    for noun in registry.nouns():
        lines.append(f"\n## {noun}\n\n{_sentence(noun)}\n\n| operation | risk | |\n|---|---|---|\n")
        for name, operation in registry.of_noun(noun).items():
            link = f"operations/{noun}.md#{name.replace('.', '')}"
            lines.append(f"| [`{name}`]({link}) | {operation.risk.value} | {_cell(operation.summary)} |\n")
    return "".join(lines)


def _sentence(noun: str) -> str:
    text = help_text(noun)
    return f"{capital(text)}."


def _page(noun: str) -> str:
    operations = registry.of_noun(noun).values()
    told: list[type[BaseModel]] = []
    head = f"# {noun}\n\n{_sentence(noun)}\n\nGenerated from `services/sigmavault/operations/{noun}`.\n"
    return head + "".join(f"\n{''.join(_section(each, told))}" for each in operations)


def _section(operation: type[Operation[Any, Any]], told: list[type[BaseModel]]) -> Iterator[str]:
    """One operation; `told` are the models that the page has explained already."""
    fields = shapes(operation.arguments_type())
    yield f"## {operation.name}\n\n{operation.summary}.\n\n"
    yield f"```\n{words.usage(operation, fields)}\n```\n\n"
    yield f"- it {words.RISKS[operation.risk]}\n"
    yield f"- D-Bus: `{words.method(operation)}`\n"
    yield f"- polkit: `{action_id(operation)}` ({words.permission(operation)})\n"
    if issubclass(operation, Change):
        for name, meaning in operation.secrets.items():
            yield f"- secret `{name}`: {meaning}\n"
    if fields:
        yield "\n| argument | in JSON | meaning | what it may be | examples |\n|---|---|---|---|---|\n"
        yield from map(_argument, fields)
    yield from _answer(operation.answer_type(), told)
    if operation.examples:
        yield f"\n```sh\n{''.join(f'sigmavault {each}\n' for each in operation.examples)}```\n"


def _argument(shape: Shape) -> str:
    examples = ", ".join(f"`{json.dumps(each, default=str, ensure_ascii=False)}`" for each in shape.examples)
    may_be = "; ".join(words.bounds(shape))
    needed = "" if shape.is_required else " (optional)"
    cells = (
        f"`{words.argument_name(shape)}`",
        f"`{shape.name}`{needed}",
        shape.description,
        may_be,
        examples,
    )
    return f"| {' | '.join(map(_cell, cells))} |\n"


def _answer(kind: type[BaseModel], told: list[type[BaseModel]]) -> Iterator[str]:
    if kind is NoAnswer:
        return
    if kind in told:
        yield f"\nAnswer: `{kind.__name__}`, as above.\n"
    for model in _new_parts(kind, told):
        title = "Answer, " if model is kind else ""
        meaning = (inspect.getdoc(model) or "").splitlines()[:1]
        yield f"\n{title}`{model.__name__}`: {' '.join(meaning)}\n\n"
        yield "| field | type | meaning |\n|---|---|---|\n"
        words_of = _attributes(model)
        for shape in shapes(model):
            text = shape.description or words_of.get(shape.name, "")
            yield f"| `{shape.name}` | {_cell(words.answer_kind(shape))} | {_cell(text)} |\n"


def _new_parts(model: type[BaseModel], told: list[type[BaseModel]]) -> list[type[BaseModel]]:
    """A model and those below it, without those that were told."""
    if model in told:
        return []
    told.append(model)
    below = [shape.part for shape in shapes(model) if shape.part is not None]
    return [model, *(each for part in below for each in _new_parts(part, told))]


def _attributes(model: type[BaseModel]) -> dict[str, str]:
    """`name: meaning` out of the section `Attributes` of a docstring (the house style has it there)."""
    found: dict[str, str] = {}
    name = ""
    _, _, section = (inspect.getdoc(model) or "").partition("Attributes:\n")
    for line in section.splitlines():
        if not line.startswith("    "):
            break
        if line.startswith("     "):
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
        else:
            name, _, text = line.strip().partition(": ")
            found[name] = text
    return found


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
