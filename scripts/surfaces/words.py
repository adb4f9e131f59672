"""What the reference page and the manual say of an operation, in the same words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sigmavault.cli.host import arguments
from sigmavault.core.operation import Operation, Risk
from sigmavault.core.operation.shape import Form, Shape
from sigmavault.core.operation.surfaces import camel, dbus_interface, noun, verb

type Kind = type[Operation[Any, Any]]

RISKS = {
    Risk.READ: "only looks",
    Risk.CHANGE: "changes: shows its plan, and asks",
    Risk.DESTROY: "destroys: shows its plan, and asks for the name of what is lost",
}
_UNITS = {
    "bytes": "bytes; `500G`, `1.5T`, `4TB` on the command line",
    "seconds": "seconds; `5min`, `2h`, `7d` on the command line",
    "percent": "percent",
    "celsius": "degrees Celsius",
}
_ANSWER_UNITS = {"bytes": "bytes", "seconds": "seconds", "percent": "percent", "celsius": "degrees Celsius"}


def usage(operation: Kind, fields: tuple[Shape, ...]) -> str:
    """`sigmavault pool create NAME LAYOUT DISK... [--spare DISK]...`."""
    places = [_place(each) for each in fields if each.is_positional]
    options = [_option(each) for each in fields if not each.is_positional]
    return " ".join(("sigmavault", noun(operation), verb(operation), *places, *options))


def _place(shape: Shape) -> str:
    name = arguments.metavar(shape)
    if shape.is_many:
        return f"{name}..." if shape.least else f"[{name}...]"
    return name if shape.is_required else f"[{name}]"


def _option(shape: Shape) -> str:
    word = arguments.option(shape)
    if shape.form is Form.FLAG and not shape.is_many:
        text = word if shape.default is False and not shape.is_required else f"{word}|--no-{word[2:]}"
    else:
        text = f"{word} {arguments.metavar(shape)}"
    if shape.is_required:
        return text
    return f"[{text}]..." if shape.is_many or shape.form is Form.PAIRS else f"[{text}]"


def argument_name(shape: Shape) -> str:
    """As it is typed: `DISK`, `--spare DISK`."""
    if shape.is_positional:
        return arguments.metavar(shape)
    if shape.form is Form.FLAG and not shape.is_many:
        return arguments.option(shape)
    return f"{arguments.option(shape)} {arguments.metavar(shape)}"


def bounds(shape: Shape) -> Iterator[str]:
    """What it may be, a phrase each."""
    if shape.choices:
        yield ", ".join(f"`{each}`" for each in shape.choices)
    elif shape.unit:
        yield _UNITS.get(shape.unit, shape.unit)
    elif shape.form is not Form.TEXT:
        yield shape.form.value
    yield from shape.limits
    if shape.is_many and shape.form is not Form.PAIRS:
        yield "may be repeated"
    if not shape.is_required and shape.default not in (None, "", (), {}, False):
        default = json.dumps(shape.default, default=str)
        yield f"default {default}"


def answer_kind(shape: Shape) -> str:
    """Type and unit of a field of an answer."""
    if shape.choices:
        kind = ", ".join(f"`{each}`" for each in shape.choices)
    else:
        kind = _ANSWER_UNITS.get(shape.unit) or shape.form.value
        kind = f"see `{shape.part.__name__}`" if shape.part else kind
    kind = f"list, each: {kind}" if shape.is_many else kind
    return f"{kind}, or null: not known" if shape.is_nullable else kind


def method(operation: Kind) -> str:
    """`org.sigmavault.Host1.Pool.Create(s arguments) → (s plan, s token)`."""
    name = f"{dbus_interface(noun(operation))}.{camel(verb(operation))}"
    answer = "s answer" if operation.risk is Risk.READ else "s plan, s token"
    return f"{name}(s arguments) → ({answer})"


def permission(operation: Kind) -> str:
    """Who may, in the words of the polkit policy."""
    if operation.risk is Risk.READ:
        return "administrators" if operation.private else "everybody"
    if operation.risk is Risk.CHANGE:
        return "administrators; a password holds for a few minutes"
    return "administrators; the password is asked each time"
