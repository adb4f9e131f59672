"""`disk.self-test`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import OperationError
from sigmavault.core.names import DiskName
from sigmavault.core.operation import (
    Arguments,
    Change,
    Machine,
    NoAnswer,
    Outcome,
    Plan,
    Positional,
    Risk,
    Step,
)
from sigmavault.system import disks, smart


class Length(StrEnum):
    """How much of the disk is tested."""

    SHORT = "short"
    """The electronics and a sample: minutes."""
    LONG = "long"
    """All of the surface: hours, a day for a large disk."""


class SelfTestArguments(Arguments):
    """Which disk, how long."""

    disk: Annotated[DiskName, Positional()] = Field(
        description="the disk: its name in /dev/disk/by-id, or its serial", examples=["WD-WX42D12345AB"]
    )
    length: Annotated[Length, Positional()] = Field(
        default=Length.SHORT, description="short: minutes; long: all of the surface, hours", examples=["long"]
    )


class StartSelfTest(Change[SelfTestArguments, NoAnswer]):
    """Let a disk test itself. It goes on working meanwhile."""

    name = "disk.self-test"
    summary = "Start a self-test of a disk"
    risk = Risk.CHANGE
    examples = ("disk self-test WD-WX42D12345AB short", "disk self-test WD-WX42D12345AB long")

    def plan(self, arguments: SelfTestArguments, machine: Machine) -> Plan:
        """Only on a disk that can, and that does not test itself already."""
        disk = disks.resolve(machine, arguments.disk, disks.disks(machine, pools=()))
        report = smart.check(machine, disk)
        if not report.can_self_test:
            raise OperationError(
                f"{disk.called} cannot test itself: {report.message or 'it does not offer it'}"
            )
        if report.self_test_remaining_percent is not None:
            raise OperationError(
                f"{disk.called} tests itself already, {report.self_test_remaining_percent} % are left",
                hint="`sigmavault disk self-test-abort` ends it",
            )
        minutes = report.self_test_minutes.get(arguments.length)
        about = f", about {minutes} minutes" if minutes else ""
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Start a {arguments.length} self-test of {disk.called}{about}",
            steps=(Step(text=f"Start the {arguments.length} self-test",
                        argv=smart.self_test(disk, arguments.length), timeout_s=smart.TIMEOUT_S),),
            targets=(disks.target(disk),), locks=(disks.lock(disk),),
            notes=("The disk goes on working, somewhat slower.", "`disk show` tells how far it is."),
        )  # fmt: skip

    def outcome(self, arguments: SelfTestArguments, plan: Plan, machine: Machine) -> Outcome:
        """It runs; a short one may be over already."""
        disk = disks.resolve(machine, plan.targets[0].name, disks.disks(machine, pools=()))
        is_running = smart.check(machine, disk).self_test_remaining_percent is not None
        return Outcome.FINISHED if is_running else Outcome.UNKNOWN
