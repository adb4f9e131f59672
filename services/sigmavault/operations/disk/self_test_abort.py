"""`disk.self-test-abort`."""

from __future__ import annotations

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Change, Machine, NoAnswer, Outcome, Plan, Risk, Step
from sigmavault.operations.disk.show import DiskArguments
from sigmavault.system import disks, smart


class AbortSelfTest(Change[DiskArguments, NoAnswer]):
    """End the self-test of a disk."""

    name = "disk.self-test-abort"
    summary = "End the self-test that a disk is running"
    risk = Risk.CHANGE
    examples = ("disk self-test-abort WD-WX42D12345AB",)

    def plan(self, arguments: DiskArguments, machine: Machine) -> Plan:
        """Only where one runs."""
        disk = disks.resolve(machine, arguments.disk, disks.disks(machine, pools=()))
        if smart.check(machine, disk).self_test_remaining_percent is None:
            raise OperationError(f"{disk.called} runs no self-test")
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"End the self-test of {disk.called}",
            steps=(Step(text="End the self-test", argv=smart.abort_self_test(disk),
                        timeout_s=smart.TIMEOUT_S),),
            targets=(disks.target(disk),), locks=(disks.lock(disk),),
        )  # fmt: skip

    def outcome(self, arguments: DiskArguments, plan: Plan, machine: Machine) -> Outcome:
        """None runs any more, or one does."""
        disk = disks.resolve(machine, plan.targets[0].name, disks.disks(machine, pools=()))
        is_running = smart.check(machine, disk).self_test_remaining_percent is not None
        return Outcome.FAILED if is_running else Outcome.FINISHED
