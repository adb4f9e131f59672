"""What was seen and done, for people: rows of equal length in time, and the last changes. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from sigmavault.core.governor.watching import Seen

ROW_S = 10.0
ROWS = 120
"""Twenty minutes."""
CHANGES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What happened in ten seconds; the largest of each, None where nothing could be told.

    Attributes:
        cpu_percent: of the machine that the model might use; the smallest.
        bytes_per_s: that file serving moved.
        pressure_percent: part of the time in which file serving waited for a CPU.
        idle_percent: of the CPU time; the smallest.
    """

    cpu_percent: int
    bytes_per_s: int | None
    pressure_percent: int | None
    idle_percent: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of what the model gets.

    Attributes:
        at: seconds since 1970.
        state: what the machine did.
        cause: why, as a sentence.
        cpu_percent: of the machine, from then on.
    """

    at: float
    state: str
    cause: str
    cpu_percent: int


class History:
    """The last rows and changes."""

    def __init__(self) -> None:
        self.changes: deque[Change] = deque(maxlen=CHANGES)
        self._rows: deque[Row] = deque(maxlen=ROWS)
        self._pending: Row | None = None
        self._began = 0.0

    def add(self, seen: Seen, cpu_percent: int) -> None:
        """Take in what was seen."""
        if self._pending is not None and seen.at - self._began >= ROW_S:
            self._rows.append(self._pending)
            self._pending = None
        row = _row(seen, cpu_percent)
        if self._pending is None:
            self._pending, self._began = row, seen.at
        else:
            self._pending = _together(self._pending, row)

    def to_json(self) -> dict[str, Any]:
        """The oldest first; what is not whole yet is the last row."""
        rows = [*self._rows, *([self._pending] if self._pending else [])]
        return {
            "row_seconds": ROW_S,
            "rows": [asdict(each) for each in rows],
            "changes": [asdict(each) for each in self.changes],
        }


def traffic(seen: Seen) -> int | None:
    """Bytes per second that file serving moved, of all that could be told."""
    told = [each for each in (seen.smb_bytes_per_s, seen.nfs_bytes_per_s) if each is not None]
    return round(sum(told)) if told else None


def _row(seen: Seen, cpu_percent: int) -> Row:
    return Row(
        cpu_percent=cpu_percent,
        bytes_per_s=traffic(seen),
        pressure_percent=None if seen.files is None else round(seen.files.cpu * 100),
        idle_percent=None if seen.idle is None else round(seen.idle * 100),
    )


def _together(one: Row, other: Row) -> Row:
    return Row(
        cpu_percent=min(one.cpu_percent, other.cpu_percent),
        bytes_per_s=_most(one.bytes_per_s, other.bytes_per_s),
        pressure_percent=_most(one.pressure_percent, other.pressure_percent),
        idle_percent=_least(one.idle_percent, other.idle_percent),
    )


def _most(one: int | None, other: int | None) -> int | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _least(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)
