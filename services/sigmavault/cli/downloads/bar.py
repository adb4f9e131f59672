"""A download as one line. Pure."""

from __future__ import annotations

from typing import Final

from sigmavault.cli.downloads.client import Row
from sigmavault.cli.paint import Paint
from sigmavault.cli.plain_text import plain_line
from sigmavault.contract.models1 import DownloadState
from sigmavault.core.values import format_bytes, format_duration

_PARTS: Final = " ▏▎▍▌▋▊▉█"
_WIDEST: Final = 30
_NARROWEST: Final = 8


def bar(fraction: float, width: int) -> str:
    """A bar of so many columns, in eighths of one."""
    eighths = round(min(max(fraction, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_PARTS[rest] if rest else "")).ljust(width)


def line(row: Row, width: int, paint: Paint) -> str:
    """`qwen3-4b  ██████▌    61 %  1.52 GiB of 2.50 GiB  11.2 MiB/s  1 min 28 s left`, at most so wide.

    What has no room is left out: first the bar, then what stands at the end.
    """
    fraction = row.bytes / row.size
    percent = f"{fraction:4.0%}"
    facts = [f"{format_bytes(row.bytes)} of {format_bytes(row.size)}", *_facts(row)]
    name = plain_line(row.id)
    while len("  ".join((name, percent, *facts))) > width and facts:
        facts.pop()
    tail = "  ".join((percent, *facts))
    room = min(width - len(name) - len(tail) - 4, _WIDEST)
    if room < _NARROWEST:
        return f"{name}  {tail}"[:width]
    drawn = bar(fraction, room)
    return f"{name}  {paint.good(drawn)}  {tail}"


def _facts(row: Row) -> list[str]:
    if row.state is DownloadState.VERIFYING:
        return ["is being verified"]
    if row.state is not DownloadState.RUNNING:
        return [plain_line(row.reason) or row.state.value]
    if row.reason:
        return [plain_line(row.reason)]
    speed = [f"{format_bytes(round(row.bytes_s))}/s"]
    return speed if row.seconds_left is None else [*speed, f"{format_duration(round(row.seconds_left))} left"]
