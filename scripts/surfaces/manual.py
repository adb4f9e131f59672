"""The manual: a page `sigmavault-NOUN(1)` for each noun, in man(7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sigmavault.cli.exit_code import MEANINGS
from sigmavault.cli.host.noun import help_text
from sigmavault.core.operation import Change, Operation, Risk
from sigmavault.core.operation.shape import Shape, shapes
from sigmavault.core.operation.surfaces import action_id, verb
from sigmavault.core.values import capital
from sigmavault.operations import registry

from scripts.surfaces import words

FOLDER = "services/data/usr/share/man/man1"
_ON_ALL = {
    "--json": "Print JSON, for programs: the answer, or with --dry-run the plan.",
}
_ON_READS = {
    "--columns NAME,...": "Of a table: which columns, in this order.",
    "--header": "Of a table: begin with the names of the columns, in a pipe too.",
}
_ON_CHANGES = {
    "--dry-run": "Show the plan, and stop there.",
    "--yes": "Agree beforehand. Does not hold for what destroys.",
    "--confirm NAME": "Type the name of what is lost beforehand.",
    "--secret-file NAME=PATH": "A file that holds a secret; one line end after it is not part of it.",
    "--secret-stdin NAME": "The secret that comes from the standard input.",
    "--save NAME=PATH": "A new file, for its owner only, for what nobody else is told; else it is shown.",
}
_OUTPUT = """\
At a terminal, sizes, durations and percentages are written for people, and columns that have no room are
named below the table. In a pipe each row is one line, its cells divided by tabs, numbers as they are (sizes
in bytes, durations in seconds), unknown ones as a dash; an answer that is no table is lines of name, tab and
value.
"""
_PLANS = """\
What changes something is planned first: the plan has the exact commands, the objects with their serials and
sizes, what the tool itself says it would do, what would be lost. Then a person agrees with y, or, where data
or access can be lost, by typing the name; polkit asks for a password. Ctrl-C asks what runs to stop and waits
until it has; a second one leaves it alone. Without a terminal, and without --yes or --confirm, nothing is
done.
"""


def pages() -> dict[str, str]:
    """Path in the checkout → text."""
    return {f"{FOLDER}/sigmavault-{noun}.1": "".join(_page(noun)) for noun in registry.nouns()}


def _page(noun: str) -> Iterator[str]:
    operations = registry.of_noun(noun).values()
    yield '.\\" Generated from services/sigmavault/operations by `make render`.\n'
    yield f'.TH SIGMAVAULT-{noun.upper()} 1 "" SigmaVault "User Commands"\n'
    yield f".SH NAME\nsigmavault\\-{_text(noun)} \\- {_text(help_text(noun))}\n.SH SYNOPSIS\n"
    yield (
        "\n.br\n".join(_text(words.usage(each, shapes(each.arguments_type()))) for each in operations) + "\n"
    )
    yield ".SH DESCRIPTION\n"
    for operation in operations:
        yield from _operation(operation)
    yield ".SH OUTPUT\n" + _text(_OUTPUT)
    if any(each.risk is not Risk.READ for each in operations):
        yield ".SH PLANS\n" + _text(_PLANS)
    yield ".SH OPTIONS\n"
    options = _ON_ALL | _ON_READS
    if any(each.risk is not Risk.READ for each in operations):
        options |= _ON_CHANGES
    for name, text in options.items():
        yield _item(name, text)
    yield ".SH EXIT STATUS\n"
    for code, text in MEANINGS.items():
        yield _item(str(code), f"{capital(text)}.")
    yield ".SH SEE ALSO\n.BR sigmavault (1)\n"


def _operation(operation: type[Operation[Any, Any]]) -> Iterator[str]:
    yield f".SS {_text(verb(operation))}\n{_text(operation.summary)}.\nIt {words.RISKS[operation.risk]}.\n"
    yield f"Allowed to {_text(words.permission(operation))} (polkit: {_text(action_id(operation))}).\n"
    for shape in shapes(operation.arguments_type()):
        yield _item(words.argument_name(shape), _meaning(shape))
    if issubclass(operation, Change) and operation.secrets:
        told = "; ".join(f"{name}: {meaning}" for name, meaning in operation.secrets.items())
        yield f".PP\nSecrets: {_text(told)}.\n"
    if operation.examples:
        yield ".PP\n.nf\n" + "".join(f"  sigmavault {_text(each)}\n" for each in operation.examples) + ".fi\n"


def _meaning(shape: Shape) -> str:
    may_be = "; ".join(words.bounds(shape)).replace("`", "")
    description = shape.description or shape.name.replace("_", " ")
    return capital(description) + (f" ({may_be})." if may_be else ".")


def _item(name: str, text: str) -> str:
    return f".TP\n.B {_text(name)}\n{_text(text)}\n"


def _text(text: str) -> str:
    """Text as man(7) takes it: no line is a request, every dash is the one that people type."""
    lines = [line.replace("\\", "\\e").replace("-", "\\-") for line in text.split("\n")]
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in lines)
