"""`disk.show`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.names import DiskName
from sigmavault.core.operation import Arguments, Machine, Positional, Read
from sigmavault.operations.disk.answers import DiskFacts, facts
from sigmavault.system import disks, smart


class DiskArguments(Arguments):
    """Which disk."""

    disk: Annotated[DiskName, Positional()] = Field(
        description="the disk: its name in /dev/disk/by-id, or its serial",
        examples=["ata-WDC_WD40EFPX-68C6CN0_WD-WX42D12345AB", "WD-WX42D12345AB"],
    )


class ShowDisk(Read[DiskArguments, DiskFacts]):
    """All about one disk."""

    name = "disk.show"
    summary = "Show all about a disk: its health, its self-tests, what is on it, whether a pool may have it"
    examples = ("disk show WD-WX42D12345AB",)

    def read(self, arguments: DiskArguments, machine: Machine) -> DiskFacts:
        """Ask the disk; one that stands still is not woken."""
        disk = disks.resolve(machine, arguments.disk, disks.disks(machine))
        return facts(disk, smart.check(machine, disk))
