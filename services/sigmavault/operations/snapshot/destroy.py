"""`snapshot.destroy`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import OperationError, UnknownObjectError
from sigmavault.core.names import SnapshotName
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
    Work,
)
from sigmavault.core.operation.operation import run_steps
from sigmavault.core.storage.snapshots import iso, obstacles
from sigmavault.core.values import format_bytes
from sigmavault.operations.dataset.rows import lock
from sigmavault.operations.snapshot.rows import target
from sigmavault.system import zfs


class DestroyArguments(Arguments):
    """Which snapshot."""

    snapshot: Annotated[SnapshotName, Positional()] = Field(
        description="the snapshot", examples=["tank/photos@monday"]
    )


class DestroySnapshot(Change[DestroyArguments, NoAnswer]):
    """A snapshot that nobody wants any more."""

    name = "snapshot.destroy"
    summary = "Destroy a snapshot; what only it holds is lost"
    risk = Risk.DESTROY
    examples = ("snapshot destroy tank/photos@monday",)

    def plan(self, arguments: DestroyArguments, machine: Machine) -> Plan:
        """Refuse what is held or cloned; show what is freed."""
        snapshot = zfs.snapshot(machine, arguments.snapshot)
        if against := obstacles([snapshot]):
            raise OperationError(
                f"{snapshot.name} is needed: {'; '.join(against)}",
                hint="`sigmavault snapshot release`, or destroy the clones first",
            )
        gone, freed = zfs.would_destroy(machine, snapshot.name)
        argv = ("zfs", "destroy", "--", snapshot.name)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Destroy the snapshot {snapshot.name} of {iso(snapshot.created_at)}",
            steps=(Step(text=f"Destroy {snapshot.name}", argv=argv, timeout_s=zfs.DESTROY_S),),
            targets=(target(snapshot),),
            losses=(f"What files of {snapshot.dataset} were at {iso(snapshot.created_at)}",),
            dry_run="\n".join(f"would destroy {each}" for each in gone), confirmation=snapshot.name,
            locks=(lock(snapshot.dataset),), notes=(f"It frees {format_bytes(freed)}.",),
        )  # fmt: skip

    def apply(self, arguments: DestroyArguments, plan: Plan, machine: Machine, work: Work) -> NoAnswer:
        """Destroy it, after a last look at its GUID."""
        zfs.require_same(machine, arguments.snapshot, plan.targets[0].identity)
        run_steps(plan.steps, machine, work)
        return NoAnswer()

    def outcome(self, arguments: DestroyArguments, plan: Plan, machine: Machine) -> Outcome:
        """The snapshot of this GUID is gone, or still there."""
        try:
            there = zfs.snapshot(machine, arguments.snapshot).guid
        except UnknownObjectError:
            return Outcome.FINISHED
        return Outcome.FAILED if there == plan.targets[0].identity else Outcome.UNKNOWN
