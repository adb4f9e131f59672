"""`machine.cancel-shutdown`."""

from __future__ import annotations

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import (
    Change,
    Machine,
    NoAnswer,
    NoArguments,
    Outcome,
    Plan,
    Risk,
    Step,
    Target,
)
from sigmavault.system import power


class CancelShutdown(Change[NoArguments, NoAnswer]):
    """Take a planned reboot or shutdown back."""

    name = "machine.cancel-shutdown"
    summary = "Cancel a planned reboot or shutdown"
    risk = Risk.CHANGE
    examples = ("machine cancel-shutdown",)

    def plan(self, arguments: NoArguments, machine: Machine) -> Plan:
        """Cancel what is planned now, and nothing else."""
        there = power.scheduled(machine)
        if there is None:
            raise OperationError("no reboot and no shutdown is planned")
        said = f"Cancel the {there.power} that is planned for {there.at}"
        return Plan(
            operation=self.name, arguments={}, summary=said,
            steps=(Step(text=said, argv=("shutdown", "-c")),),
            targets=(Target(kind="machine", name="this machine", identity=power.boot_id(machine)),),
            locks=("machine",), facts={"power": there.power.value, "at": there.at},
        )  # fmt: skip

    def outcome(self, arguments: NoArguments, plan: Plan, machine: Machine) -> Outcome:
        """Nothing is planned any more, or it still is."""
        return Outcome.FINISHED if power.scheduled(machine) is None else Outcome.FAILED
