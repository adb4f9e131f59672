"""`machine.set-hostname`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.network import MachineName
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
    Work,
)
from sigmavault.operations.machine.settings import MachineSettings, settings_of
from sigmavault.system import settings


class HostNameArguments(Arguments):
    """The name."""

    name: Annotated[MachineName, Positional()] = Field(description="what to call it", examples=["attic"])


class SetHostName(Change[HostNameArguments, MachineSettings]):
    """Call the machine something else."""

    name = "machine.set-hostname"
    summary = "Call this machine something else in its network"
    risk = Risk.CHANGE
    examples = ("machine set-hostname attic",)

    def plan(self, arguments: HostNameArguments, machine: Machine) -> Plan:
        """Tell hostnamed, and those services that asked for the name when they started."""
        before, name = settings.host_name(machine), arguments.name
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Call this machine {name}",
            steps=(
                Step(text=f"Set the host name to {name}",
                     argv=("hostnamectl", "--no-ask-password", "--", "set-hostname", name)),
                *(
                    Step(text=f"Let {unit} take it", argv=("systemctl", "try-restart", "--", unit))
                    for unit in settings.TELL_NAME
                ),
            ),
            targets=(Target(kind="machine", name="this machine", identity=before),),
            warnings=(f"Who is connected to {before} is disconnected, and finds it as {name} from then on.",),
            locks=("machine",),
        )  # fmt: skip

    def apply(
        self, arguments: HostNameArguments, plan: Plan, machine: Machine, work: Work
    ) -> MachineSettings:
        """The name counts; a service that is not installed here need not hear of it."""
        for number, step in enumerate(plan.steps):
            work.progress(step.text, number / len(plan.steps))
            machine.run(step.argv, timeout_s=step.timeout_s, check=number == 0)
        return settings_of(machine)

    def outcome(self, arguments: HostNameArguments, plan: Plan, machine: Machine) -> Outcome:
        """It has the name, or it has not."""
        return Outcome.FINISHED if settings.host_name(machine) == arguments.name else Outcome.FAILED
