"""Whether a model fits on a disk beside what the machine itself needs there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sigmavault.core.errors import NoSpaceError
from sigmavault.core.values import GIB, format_bytes

_BOOT_PERCENT: Final = 10
_POOL_PERCENT: Final = 5
"""A pool that is nearly full gets slow, and cannot even delete what snapshots hold."""
_LEAST: Final = 2 * GIB
_MOST: Final = 64 * GIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A file system.

    Attributes:
        size: of it, in bytes.
        free: what an ordinary user may still write, in bytes.
        is_boot_disk: whether the system lives there too.
    """

    size: int
    free: int
    is_boot_disk: bool


def reserve(room: Room) -> int:
    """Bytes that stay free: logs, updates, databases and, on a pool, the files of people come first."""
    percent = _BOOT_PERCENT if room.is_boot_disk else _POOL_PERCENT
    return min(max(room.size * percent // 100, _LEAST), _MOST)


def require_room(name: str, missing: int, room: Room, place: str) -> None:
    """Enough for what is still missing of a file.

    Args:
        name: of the model.
        missing: bytes still to be written.
        room: where.
        place: what people call that.

    Raises:
        NoSpaceError: it does not fit; with the figures.
    """
    kept = reserve(room)
    if missing > room.free - kept:
        raise NoSpaceError(
            f"{name} still needs {format_bytes(missing)} on {place}: {format_bytes(room.free)} are free,"
            f" of which {format_bytes(kept)} stay free for the machine"
        )  # fmt: skip
