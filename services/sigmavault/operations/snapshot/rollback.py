"""`snapshot.rollback`."""

from __future__ import annotations

from collections.abc import Sequence
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
from sigmavault.core.storage.datasets import Dataset, protection, system_pools
from sigmavault.core.storage.snapshots import Snapshot, iso, newer_than, obstacles
from sigmavault.core.values import format_bytes, format_duration
from sigmavault.operations.dataset import rows as dataset_rows
from sigmavault.operations.snapshot.rows import dataset_of, target
from sigmavault.system import zfs


class RollbackArguments(Arguments):
    """To which state."""

    snapshot: Annotated[SnapshotName, Positional()] = Field(
        description="the snapshot to go back to", examples=["tank/photos@monday"]
    )
    destroy_newer: bool = Field(
        default=False, description="destroy the snapshots that were taken since; without it they forbid it"
    )


class Rollback(Change[RollbackArguments, NoAnswer]):
    """A dataset becomes what it was; all that came since is lost."""

    name = "snapshot.rollback"
    summary = "Take a whole dataset back to a snapshot; everything written since is lost"
    risk = Risk.DESTROY
    examples = (
        "snapshot rollback tank/photos@monday",
        "snapshot rollback tank/photos@monday --destroy-newer",
    )

    def plan(self, arguments: RollbackArguments, machine: Machine) -> Plan:
        """Show every snapshot that would die."""
        everything = dataset_rows.in_pool(machine, dataset_of(arguments.snapshot))
        dataset = dataset_rows.named(everything, dataset_of(arguments.snapshot))
        _require_own(dataset, everything)
        history = zfs.history(machine, dataset.name)
        found = [each for each in history if each.name == arguments.snapshot]
        if not found:
            raise UnknownObjectError(f"there is no snapshot {arguments.snapshot}")
        newer = newer_than(history, found[0])
        _require_possible(arguments, newer)
        argv = ("zfs", "rollback", *(["-r"] if newer else []), "--", arguments.snapshot)
        age = format_duration(max(machine.now() - found[0].created_at, 0))
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Take {dataset.name} back to {iso(found[0].created_at)} ({found[0].name})",
            steps=(Step(text=f"Roll {dataset.name} back", argv=argv, timeout_s=zfs.DESTROY_S),),
            targets=(dataset_rows.target(dataset), *map(target, (found[0], *newer))),
            losses=(f"Everything written to {dataset.name} after {iso(found[0].created_at)}",
                    *(_loss(each) for each in newer)),
            warnings=("Programs that have files open there see them change or vanish.",),
            confirmation=dataset.name, locks=(dataset_rows.lock(dataset.name),),
            notes=(f"The snapshot is {age} old.", _written(machine, found[0])),
        )  # fmt: skip

    def apply(self, arguments: RollbackArguments, plan: Plan, machine: Machine, work: Work) -> NoAnswer:
        """Roll back, after a last look at both and at what would die."""
        snapshot = zfs.snapshot(machine, arguments.snapshot)
        history = zfs.history(machine, snapshot.dataset)
        planned = [each.identity for each in plan.targets[1:]]
        if [each.guid for each in (snapshot, *newer_than(history, snapshot))] != planned:
            raise OperationError("a snapshot was taken or destroyed meanwhile", hint="make the plan again")
        zfs.require_same(machine, snapshot.dataset, plan.targets[0].identity)
        run_steps(plan.steps, machine, work)
        return NoAnswer()

    def outcome(self, arguments: RollbackArguments, plan: Plan, machine: Machine) -> Outcome:
        """The newer snapshots tell, which go first, and what was written since, which goes last."""
        newer = {each.identity for each in plan.targets[2:]}
        history = zfs.history(machine, dataset_of(arguments.snapshot))
        found = [each for each in history if each.guid == plan.targets[1].identity]
        if not found:
            return Outcome.UNKNOWN
        if newer & {each.guid for each in history}:
            return Outcome.FAILED
        # what is still on its way to the disks is not counted
        machine.run(("zpool", "sync", "--", found[0].dataset.partition("/")[0]), timeout_s=zfs.CHANGE_S)
        return Outcome.UNKNOWN if zfs.written_since(machine, found[0]) else Outcome.FINISHED


def _require_own(dataset: Dataset, everything: Sequence[Dataset]) -> None:
    """The root of a pool may be rolled back: it stays. What the machine itself lives on may not."""
    if dataset.pool in system_pools(everything):
        raise OperationError(f"this machine starts from {dataset.pool}: nothing in it is rolled back")
    if dataset.parent and (reason := protection(dataset, everything)):
        raise OperationError(f"{reason}: it must stay as it is")


def _require_possible(arguments: RollbackArguments, newer: Sequence[Snapshot]) -> None:
    if newer and not arguments.destroy_newer:
        names = ", ".join(each.name for each in newer[-5:])
        raise OperationError(
            f"{len(newer)} newer snapshots would be destroyed, among them {names}",
            hint="`--destroy-newer` takes them along; `snapshot clone` and `restore-file` leave them",
        )  # fmt: skip
    if against := obstacles(newer):
        raise OperationError(f"a newer snapshot is needed: {'; '.join(against[:5])}")


def _loss(snapshot: Snapshot) -> str:
    kind = "bookmark" if snapshot.is_bookmark else "snapshot"
    return f"The {kind} {snapshot.name} of {iso(snapshot.created_at)}"


def _written(machine: Machine, snapshot: Snapshot) -> str:
    return f"{format_bytes(zfs.written_since(machine, snapshot))} were written since."
