"""`disk.list`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.operations.disk.answers import DiskRow, row
from sigmavault.system import disks


class Disks(Value):
    """The disks of the machine, in the kernel's order."""

    disks: tuple[DiskRow, ...]


class ListDisks(Read[NoArguments, Disks]):
    """Which disks there are."""

    name = "disk.list"
    summary = "Show the disks: what they are, how they are doing, what uses them"
    examples = ("disk list",)

    def read(self, arguments: NoArguments, machine: Machine) -> Disks:
        """Look, without waking or opening a disk."""
        return Disks(disks=tuple(row(disk) for disk in disks.disks(machine)))
