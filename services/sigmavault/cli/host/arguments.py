"""The arguments of an operation as a command line, and back: made from the declaration."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pydantic import JsonValue

from sigmavault.core.operation import Arguments
from sigmavault.core.operation.shape import Form, Shape, shapes
from sigmavault.core.values import format_bytes, parse_bytes, parse_duration

RESERVED: Final = frozenset({
    "help", "json", "header", "columns", "dry_run", "yes", "confirm", "secret_file", "secret_stdin", "save",
    "command", "action",
})  # fmt: skip
"""Names that the command line has for itself; no argument of an operation may be called so."""

NONE: Final = "none"
"""What is written for null."""
_ABSENT: Final = object()


def add(command: argparse.ArgumentParser, kind: type[Arguments]) -> None:
    """Every field as an argument of a command.

    Raises:
        TypeError: a field that no command line can say.
    """
    for shape in shapes(kind):
        check(shape)
        if shape.is_positional:
            _add_positional(command, shape)
        elif shape.form is Form.FLAG and not shape.is_many:
            _add_flag(command, shape)
        else:
            _add_option(command, shape)


def check(shape: Shape) -> None:
    """Raise for what no command line can say.

    Raises:
        TypeError: which field, and why.
    """
    if shape.name in RESERVED:
        raise TypeError(f"{shape.name} is a word of the command line itself")
    if shape.form in (Form.PART, Form.ANY):
        raise TypeError(f"{shape.name} has parts of its own, which no command line can say")
    if shape.is_positional and shape.form in (Form.FLAG, Form.PAIRS):
        raise TypeError(f"{shape.name} is not told by its place alone: make it an option")


def to_json(kind: type[Arguments], given: argparse.Namespace) -> dict[str, JsonValue]:
    """What was given, as the operation takes it; what was left out is left out."""
    found: dict[str, JsonValue] = {}
    for shape in shapes(kind):
        value: Any = getattr(given, shape.name, _ABSENT)
        if value is _ABSENT or (shape.is_many and shape.is_positional and not value):
            continue
        found[shape.name] = dict(value) if shape.form is Form.PAIRS else value
    return found


def spelled(found: Mapping[str, JsonValue]) -> str:
    """The JSON text of arguments, in ASCII: bytes that are no UTF-8 stay what they are, and are refused."""
    return json.dumps(found)


def option(shape: Shape) -> str:
    """`dry_run` → `--dry-run`."""
    return f"--{shape.name.replace('_', '-')}"


def metavar(shape: Shape) -> str:
    """How its value is called: `NAME`, `SIZE`, `DISK`."""
    by_unit = {"bytes": "SIZE", "seconds": "TIME", "percent": "PERCENT", "celsius": "DEGREES"}
    if shape.form is Form.PAIRS:
        return "KEY=VALUE"
    if shape.form is Form.TIME:
        return "TIME"
    if shape.is_many and not shape.unit:
        return shape.name.upper().removesuffix("S")
    return by_unit.get(shape.unit, shape.name.upper().replace("_", "-"))


def help_text(shape: Shape) -> str:
    """What it is, and what holds when it is left out."""
    default = _spelled(shape)
    text = shape.description or shape.name.replace("_", " ")
    if shape.choices:
        text += f"; one of {', '.join(shape.choices)}"
    return f"{text} (default: {default})" if default else text


def _spelled(shape: Shape) -> str:
    if shape.is_required or shape.default in (None, "", (), {}, False):
        return ""
    if shape.unit == "bytes" and isinstance(shape.default, int):
        return format_bytes(shape.default)
    if isinstance(shape.default, bool):
        return "yes"
    return ", ".join(map(str, shape.default)) if isinstance(shape.default, tuple) else str(shape.default)


def _add_positional(command: argparse.ArgumentParser, shape: Shape) -> None:
    nargs = ("+" if shape.least else "*") if shape.is_many else None if shape.is_required else "?"
    made = command.add_argument(
        shape.name, metavar=metavar(shape), nargs=nargs, help=_escaped(shape), type=reader(shape)
    )
    if nargs in ("*", "?"):
        made.default = argparse.SUPPRESS


def _add_flag(command: argparse.ArgumentParser, shape: Shape) -> None:
    is_off = not shape.is_required and shape.default is False
    command.add_argument(
        option(shape), dest=shape.name, help=_escaped(shape), default=argparse.SUPPRESS,
        required=shape.is_required, action="store_true" if is_off else argparse.BooleanOptionalAction,
    )  # fmt: skip


def _add_option(command: argparse.ArgumentParser, shape: Shape) -> None:
    repeated = shape.is_many or shape.form is Form.PAIRS
    command.add_argument(
        option(shape), dest=shape.name, metavar=metavar(shape), help=_escaped(shape), type=reader(shape),
        required=shape.is_required, default=argparse.SUPPRESS,
        action=_Append if repeated else "store",
    )  # fmt: skip


class _Append(argparse.Action):
    """One more value of a list that is not there before the first."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
        values: str | Sequence[Any] | None, option_string: str | None = None,
    ) -> None:  # fmt: skip
        setattr(namespace, self.dest, [*getattr(namespace, self.dest, []), values])


def _escaped(shape: Shape) -> str:
    return help_text(shape).replace("%", "%%")


def reader(shape: Shape) -> Callable[[str], JsonValue]:
    """What makes a JSON value of what was typed; it raises what argparse shows."""
    read = _READERS.get(shape.unit) or _FORMS.get(shape.form) or str

    def value(text: str) -> JsonValue:
        if shape.choices and text not in shape.choices:
            raise argparse.ArgumentTypeError(f"must be one of {', '.join(shape.choices)}, not {text[:40]!r}")
        if shape.is_nullable and text == NONE and shape.form is not Form.TEXT:
            return None
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"must be a whole number, not {text[:40]!r}") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"must be a number, not {text[:40]!r}") from None


def _pair(text: str) -> Any:
    key, sign, value = text.partition("=")
    if not sign:
        raise ValueError(f"must be KEY=VALUE, not {text[:40]!r}")
    return key, value


_READERS: Mapping[str, Callable[[str], Any]] = {"bytes": parse_bytes, "seconds": parse_duration}
_FORMS: Mapping[Form, Callable[[str], Any]] = {
    Form.WHOLE: _whole, Form.NUMBER: _number, Form.PAIRS: _pair
}  # fmt: skip
