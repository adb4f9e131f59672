"""`machine.set-time-zone`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.network import TimeZone
from sigmavault.core.operation import (
    Arguments,
    Change,
    Machine,
    Outcome,
    Plan,
    Positional,
    Risk,
    Step,
    Target,
)
from sigmavault.operations.machine.settings import MachineSettings, settings_of
from sigmavault.system import settings


class TimeZoneArguments(Arguments):
    """The zone."""

    name: Annotated[TimeZone, Positional()] = Field(
        description="a name of the tz database", examples=["Europe/Vienna"]
    )


class SetTimeZone(Change[TimeZoneArguments, MachineSettings]):
    """Say where the machine stands."""

    name = "machine.set-time-zone"
    summary = "Set the time zone"
    risk = Risk.CHANGE
    examples = ("machine set-time-zone Europe/Vienna",)

    def plan(self, arguments: TimeZoneArguments, machine: Machine) -> Plan:
        """A zone that this machine knows."""
        settings.require_zone(machine, arguments.name)
        argv = ("timedatectl", "--no-ask-password", "--", "set-timezone", arguments.name)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Set the time zone to {arguments.name}",
            steps=(Step(text=f"Set the time zone to {arguments.name}", argv=argv),),
            targets=(Target(kind="machine", name="this machine", identity=settings.time_zone(machine)),),
            locks=("machine",),
        )  # fmt: skip

    def answer(self, arguments: TimeZoneArguments, machine: Machine) -> MachineSettings:
        """What is set now."""
        return settings_of(machine)

    def outcome(self, arguments: TimeZoneArguments, plan: Plan, machine: Machine) -> Outcome:
        """It is set, or it is not."""
        return Outcome.FINISHED if settings.time_zone(machine) == arguments.name else Outcome.FAILED
