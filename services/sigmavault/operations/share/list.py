"""`share.list`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.operations.share.answers import ShareRow, row
from sigmavault.system import shares


class ShareList(Value):
    """The shares, by name."""

    shares: tuple[ShareRow, ...]


class ListShares(Read[NoArguments, ShareList]):
    """What is shared."""

    name = "share.list"
    summary = "Show what is shared, and whether it is available"
    examples = ("share list",)

    def read(self, arguments: NoArguments, machine: Machine) -> ShareList:
        """Read the truth, and what is mounted; no program is started."""
        return ShareList(shares=tuple(row(each) for each in shares.locate(machine, shares.read(machine))))
