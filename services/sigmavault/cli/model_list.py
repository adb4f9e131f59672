"""`sigmavault model list`: all known models, as a table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.hardware import look
from sigmavault.cli.known_models import Known
from sigmavault.cli.models_here import Survey, survey
from sigmavault.cli.paint import Paint
from sigmavault.cli.plain_text import plain_line
from sigmavault.cli.table import columns
from sigmavault.core.values import format_bytes

HELP = "all known models: what for, how large, whose licence, and where they are"

_HEADS = ("model", "for", "file", "memory", "tokens/s", "licence", "state")
_RIGHT = (2, 3, 4)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.add_argument("--json", action="store_true", help="one JSON document, for programs")
    command.add_argument(
        "--measure", action="store_true",
        help="measure the memory bandwidth, half a second, and tell the tokens/s that it allows at most",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Show all models."""
    found = survey()
    speed: float | None = None
    if arguments.measure:
        bandwidth = look(with_bandwidth=True).hardware.bandwidth
        speed = bandwidth.read_bytes_s if bandwidth else None
    if arguments.json:
        sys.stdout.write(json.dumps(to_json(found, speed), indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(render(found, speed, Paint(is_on=sys.stdout.isatty()))) + "\n")
    return ExitCode.UNKNOWN if found.unread else ExitCode.OK


def to_json(found: Survey, speed: float | None) -> dict[str, object]:
    """A document for programs; sizes in bytes."""
    return {
        "default": found.default,
        "models": [_document(each, speed) for each in found.models],
        "unread": list(found.unread),
    }


def _document(model: Known, speed: float | None) -> dict[str, object]:
    entry, ceiling = model.entry, model.ceiling(speed)
    return {
        "id": model.id,
        "purposes": list(entry.purpose) if entry else [],
        "size": model.size,
        "memory_bytes": model.memory,
        "ceiling_tokens_s": None if ceiling is None else round(ceiling, 1),
        "licence": entry.licence if entry else None,
        "state": model.state.partition(":")[0],
        "reason": model.state.partition(": ")[2],
        "service": model.live,
    }


def render(found: Survey, speed: float | None, paint: Paint) -> Iterator[str]:
    """The table, for people."""
    rows = [_HEADS, *(_row(each, found.default, speed) for each in found.models)]
    if speed is None:
        rows = [(*row[:4], *row[5:]) for row in rows]
    lines = columns(rows, _RIGHT if speed else _RIGHT[:2])
    yield paint.dim(next(lines))
    for line, model in zip(lines, found.models, strict=True):
        is_here = model.file is not None or model.live is not None
        yield line if is_here else paint.dim(line)
    if found.default:
        yield paint.dim("* answers when no model is named")
    yield from (paint.bad(f"could not be read: {plain_line(each)}") for each in found.unread)


def _row(model: Known, default: str, speed: float | None) -> tuple[str, ...]:
    ceiling = model.ceiling(speed)
    cells = (
        model.id + (" *" if model.id == default else ""),
        model.purposes,
        format_bytes(model.size) if model.size else "",
        format_bytes(model.memory) if model.memory else "",
        "" if ceiling is None else f"≤ {ceiling:.1f}",
        model.entry.licence if model.entry else "",
        model.state,
    )
    return tuple(plain_line(each) for each in cells)
