"""What the `sigmavault` command ends with."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Stable, for scripts. `man sigmavault` has the list."""

    OK = 0
    ATTENTION = 1
    """Something is wrong with the machine; it is named in the output."""
    USAGE = 2
    UNKNOWN = 3
    """A part of the state could not be read."""
    INTERRUPTED = 130
    READER_GONE = 141
    """Nobody reads the output any more, as in `… | head`."""
