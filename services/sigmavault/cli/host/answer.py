"""An answer as text: tables and aligned lines for people, tabs and raw numbers for programs. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from sigmavault.cli.paint import Paint
from sigmavault.cli.plain_text import plain_line
from sigmavault.core.operation.shape import Form, Shape, shapes
from sigmavault.core.values import format_bytes, format_duration

type Row = Mapping[str, Any]

UNKNOWN: Final = "-"
"""What stands for null and for an empty text; an empty cell would shift what `read` of a shell sees."""
_GAP: Final = "  "
_LEAST: Final = 24
"""A longer text may be cut to so many characters where there is no room."""
_DEPTH: Final = "depth"
_SUFFIXES: Final = ("_bytes", "_seconds", "_s", "_percent", "_celsius", "_c")
_BAD: Final = frozenset({
    "degraded", "faulted", "unavail", "suspended", "removed", "offline", "failed", "failing", "unknown",
    "unavailable", "critical", "cancelled",
})  # fmt: skip
_GOOD: Final = frozenset({"online", "ok", "passed", "healthy", "active", "done", "available"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """For whom the text is.

    Attributes:
        is_human: a person reads it: units, headings, colours.
        paint: its colours.
        width: columns of the terminal.
        columns: names of the columns that are wanted, in their order; empty for all that fit.
        header: whether a program wants the names of the columns first.
    """

    is_human: bool
    paint: Paint
    width: int = 80
    columns: tuple[str, ...] = ()
    header: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Lines of an answer, and the columns that had no room."""

    lines: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def render(kind: type[BaseModel], answer: Row, style: Style) -> Text:
    """The text of an answer.

    Args:
        kind: the model of the answer.
        answer: the answer as JSON has it.
        style: for whom.
    """
    fields = shapes(kind)
    if len(fields) == 1 and fields[0].is_many and fields[0].part is not None:
        return _rows(fields[0].part, answer[fields[0].name], style)
    if style.is_human:
        return _sections(kind, answer, style)
    return Text(lines=tuple("\t".join(pair) for pair in _pairs(fields, answer, "")))


def column_names(kind: type[BaseModel]) -> tuple[str, ...]:
    """The columns of the table that an answer is; empty when it is none."""
    fields = shapes(kind)
    is_table = len(fields) == 1 and fields[0].is_many and fields[0].part is not None
    return tuple(each.name for each in _flat(fields[0].part)) if is_table and fields[0].part else ()


def cell(value: Any, shape: Shape, *, human: bool) -> str:
    """One value as text on one line."""
    if value is None or value == "" or value == []:
        return UNKNOWN
    if isinstance(value, list) and shape.form is not Form.ANY:
        return (", " if human else ",").join(cell(each, shape, human=human) for each in value)
    if shape.form is Form.ANY:
        return plain_line(json.dumps(value, ensure_ascii=False))
    if isinstance(value, dict):
        pairs = (f"{key}={each}" for key, each in value.items())
        return plain_line((", " if human else ",").join(pairs)) or UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if human and shape.unit in _UNITS:
        return _UNITS[shape.unit](value)
    return plain_line(str(value)) or UNKNOWN


_UNITS: Final[Mapping[str, Callable[[Any], str]]] = {
    "bytes": format_bytes,
    "seconds": format_duration,
    "percent": lambda value: f"{value:.1f} %" if 0 < value < 10 else f"{value:.0f} %",
    "celsius": lambda value: f"{value:.0f} °C",
}


def label(shape: Shape) -> str:
    """`size_bytes` → `size`, `is_rotational` → `rotational`: on a terminal the value tells the rest."""
    name = shape.name.removeprefix("is_")
    if shape.unit:
        name = next((name.removesuffix(each) for each in _SUFFIXES if name.endswith(each)), name)
    return name.replace("_", " ")


# --- tables ---


def _flat(part: type[BaseModel]) -> list[Shape]:
    return [each for each in shapes(part) if each.part is None]


def _rows(part: type[BaseModel], rows: Sequence[Row], style: Style) -> Text:
    columns = _flat(part)
    if style.columns:
        known = {each.name: each for each in columns}
        columns = [known[name] for name in style.columns if name in known]
    body = list(_branches(part, rows, 0))
    if not style.is_human:
        lines = [
            "\t".join(cell(row.get(each.name), each, human=False) for each in columns) for row, _ in body
        ]
        return Text(lines=(*(["\t".join(each.name for each in columns)] if style.header else ()), *lines))
    if not body:
        return Text(lines=(style.paint.dim("none"),))
    return _table(columns, body, style)


def _branches(part: type[BaseModel], rows: Sequence[Row], depth: int) -> Iterator[tuple[Row, int]]:
    """Rows with their depth: those of a tree tell it, or have rows of their own kind below them."""
    below = next((each.name for each in shapes(part) if each.part is part and each.is_many), None)
    for row in rows:
        yield row, row.get(_DEPTH, depth)
        if below is not None:
            yield from _branches(part, row.get(below) or (), depth + 1)


def _table(columns: Sequence[Shape], body: Sequence[tuple[Row, int]], style: Style) -> Text:
    made = [_column(each, body) for each in columns]
    told = [
        (shape, cells) for shape, cells in zip(columns, made, strict=True)
        if style.columns or (not _is_detail(shape) and any(each != UNKNOWN for each in cells[1:]))
    ]  # fmt: skip
    widths = [max(map(len, cells)) for _, cells in told]
    fitting = len(told)
    if not style.columns:
        widths = _narrowed([shape for shape, _ in told], widths, style.width)
        fitting = _fitting(widths, style.width)
    lines = []
    for at in range(len(body) + 1):
        parts = [
            _painted(_padded(_cut(cells[at], width), width, shape), cells[at], style.paint, heading=at == 0)
            for (shape, cells), width in zip(told[:fitting], widths, strict=False)
        ]
        lines.append(_GAP.join(parts).rstrip())
    return Text(lines=tuple(lines), left_out=tuple(shape.name for shape, _ in told[fitting:]))


def _is_detail(shape: Shape) -> bool:
    return shape.is_detail or shape.name in (_DEPTH, "guid")  # for programs; the name is for people


def _narrowed(columns: Sequence[Shape], widths: Sequence[int], width: int) -> list[int]:
    """The widths with long texts cut, the longest first, never the first column: it names the row."""
    found = list(widths)
    while (excess := sum(found) + len(_GAP) * (len(found) - 1) - width) > 0:
        texts = [
            at for at, each in enumerate(columns) if at and each.form is Form.TEXT and found[at] > _LEAST
        ]
        if not texts:
            break
        longest = max(texts, key=lambda at: found[at])
        found[longest] = max(_LEAST, found[longest] - excess)
    return found


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _column(shape: Shape, body: Sequence[tuple[Row, int]]) -> list[str]:
    cells = [cell(row.get(shape.name), shape, human=True) for row, _ in body]
    if shape.form is Form.TEXT and any(depth for _, depth in body) and shape.name in ("name", "vdev"):
        cells = [_GAP * depth + text for (_, depth), text in zip(body, cells, strict=True)]
    return [label(shape), *cells]


def _fitting(widths: Sequence[int], width: int) -> int:
    used = -len(_GAP)
    for count, each in enumerate(widths):
        used += each + len(_GAP)
        if used > width and count:
            return count
    return len(widths)


def _padded(text: str, width: int, shape: Shape) -> str:
    is_number = shape.form in (Form.WHOLE, Form.NUMBER) and not shape.is_many
    return text.rjust(width) if is_number else text.ljust(width)


def _painted(padded: str, text: str, paint: Paint, *, heading: bool) -> str:
    if heading:
        return paint.dim(padded)
    word = text.strip().lower()
    if word in _BAD:
        return paint.bad(padded)
    return paint.good(padded) if word in _GOOD else padded


# --- values with names ---


def _sections(kind: type[BaseModel], answer: Row, style: Style) -> Text:
    """Lines `name  value`, then a heading with what is below it for each part."""
    simple = [each for each in shapes(kind) if each.part is None and each.name in answer]
    width = max((len(label(each)) for each in simple), default=0)
    lines = []
    for each in simple:
        text = cell(answer[each.name], each, human=True)
        lines.append(
            style.paint.dim(label(each).ljust(width))
            + _GAP
            + _painted(text, text, style.paint, heading=False)
        )
    left_out: tuple[str, ...] = ()
    for each in shapes(kind):
        value = answer.get(each.name)
        if each.part is None or value is None or value == []:
            continue
        inner = _rows(each.part, value, style) if each.is_many else _sections(each.part, value, style)
        lines += ["", label(each), *(f"{_GAP}{line}" for line in inner.lines)]
        left_out += inner.left_out
    return Text(lines=tuple(lines), left_out=left_out)


def _pairs(fields: Sequence[Shape], answer: Row, prefix: str) -> Iterator[tuple[str, str]]:
    """Names with values; those of parts as `vdevs.0.name`."""
    for each in fields:
        value = answer.get(each.name)
        name = f"{prefix}{each.name}"
        if each.part is None or value is None or value == []:
            yield name, cell(value, each, human=False)
        elif each.is_many:
            for at, row in enumerate(value):
                yield from _pairs(shapes(each.part), row, f"{name}.{at}.")
        else:
            yield from _pairs(shapes(each.part), value, f"{name}.")
