"""What the `sigmavault` command ends with."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


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


MEANINGS: Final[Mapping[int, str]] = {
    0: "all is well",
    1: "something needs attention or failed; the output says what",
    2: "wrong arguments, or a question that does not fit",
    3: "a part of the state could not be read, a service does not answer, or ZFS is not there",
    4: "not allowed",
    5: "the kernel refuses the signed ZFS module: its key is not enrolled yet",
    6: "it cannot be done to this object: the output says which, why, and what to do",
    7: "somebody else changes the object right now",
    8: "a plan was made and not carried out: nobody agreed, or the machine has changed since",
    9: "it was begun, and nobody can tell how it ended: look before you try again",
    130: "interrupted, or cancelled",
    141: "nobody reads the output any more",
}
"""What each means, in one line; a test holds it against the tree of errors."""
