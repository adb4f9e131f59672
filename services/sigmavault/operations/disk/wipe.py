"""`disk.wipe`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.names import DiskName
from sigmavault.core.operation import Arguments, Change, Machine, Outcome, Plan, Positional, Risk, Work
from sigmavault.core.storage import wiping as pure
from sigmavault.core.storage.disks import Disk
from sigmavault.core.storage.eligibility import Use, contents, worries
from sigmavault.core.values import format_bytes
from sigmavault.operations.disk.answers import DiskRow, row
from sigmavault.system import disks, wiping


class WipeArguments(Arguments):
    """Which disk, how thoroughly."""

    disk: Annotated[DiskName, Positional()] = Field(
        description="the disk: its name in /dev/disk/by-id, or its serial", examples=["WD-WX42D12345AB"]
    )
    full: bool = Field(
        default=False,
        description="write zeroes over all of it, not only over what programs know a disk by: hours",
    )
    same_serial: bool = Field(
        default=False,
        description="another disk has the same serial, and this one is meant: give its by-id name",
    )


class WipeDisk(Change[WipeArguments, DiskRow]):
    """Make a disk blank. What is on it is lost."""

    name = "disk.wipe"
    summary = "Make a disk blank: all that is on it is lost"
    risk = Risk.DESTROY
    examples = ("disk wipe WD-WX42D12345AB", "disk wipe WD-WX42D12345AB --full")

    def plan(self, arguments: WipeArguments, machine: Machine) -> Plan:
        """Only a disk that nothing uses, no imported pool knows, and the machine does not run from."""
        disk = _taken(arguments, machine)
        found = contents(disk)
        everything = (
            f"All data on {disk.called} ({disk.model or 'no model'}, {format_bytes(disk.size_bytes)})"
        )
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Make {disk.called} blank", steps=pure.steps(disk, is_full=arguments.full),
            targets=(disks.target(disk),), losses=(everything, *found), warnings=worries(disk),
            confirmation=disks.identity(disk) if disk.serial and not disk.shares_serial else disk.name,
            locks=(disks.lock(disk),), facts={"contents": list(found)},
        )  # fmt: skip

    def apply(self, arguments: WipeArguments, plan: Plan, machine: Machine, work: Work) -> DiskRow:
        """Signatures, ends, and then all of it if that was asked for; a full wipe can be cancelled."""
        wiping.wipe(machine, _taken(arguments, machine), work, is_full=arguments.full)
        return self.answer(arguments, machine)

    def answer(self, arguments: WipeArguments, machine: Machine) -> DiskRow:
        """The blank disk."""
        return row(disks.resolve(machine, arguments.disk, disks.disks(machine)))

    def outcome(self, arguments: WipeArguments, plan: Plan, machine: Machine) -> Outcome:
        """Something is left on it, or its ends are blank."""
        disk = disks.resolve(machine, plan.targets[0].name, disks.disks(machine, pools=()))
        return wiping.outcome(machine, disk, is_full=arguments.full)


def _taken(arguments: WipeArguments, machine: Machine) -> Disk:
    same = (arguments.disk,) if arguments.same_serial else ()
    (disk,) = disks.take(machine, (arguments.disk,), same_serial=same, use=Use.WIPE)
    return disk
