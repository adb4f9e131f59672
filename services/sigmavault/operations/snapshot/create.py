"""`snapshot.create`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import InvalidRequestError, OperationError
from sigmavault.core.names import DatasetName, SnapshotTag
from sigmavault.core.operation import (
    Arguments,
    Change,
    Machine,
    Outcome,
    Plan,
    Positional,
    Risk,
    Step,
    Work,
)
from sigmavault.core.storage.snapshots import manual_tag
from sigmavault.operations.dataset.rows import lock, target
from sigmavault.operations.snapshot.rows import SnapshotRow, row
from sigmavault.system import zfs


class CreateArguments(Arguments):
    """Of what to take a snapshot."""

    dataset: Annotated[DatasetName, Positional()] = Field(description="the dataset", examples=["tank/photos"])
    tag: Annotated[SnapshotTag | None, Positional()] = Field(
        default=None, description="what it is called; by its time when left out", examples=["before-cleaning"]
    )
    recursive: bool = Field(
        default=False, description="of the datasets below it as well, all at the same moment"
    )


class CreateSnapshot(Change[CreateArguments, SnapshotRow]):
    """The state of a dataset, kept."""

    name = "snapshot.create"
    summary = "Take a snapshot of a dataset"
    risk = Risk.CHANGE
    examples = ("snapshot create tank/photos before-cleaning", "snapshot create tank --recursive")

    def plan(self, arguments: CreateArguments, machine: Machine) -> Plan:
        """Refuse a name that is taken."""
        dataset = zfs.dataset(machine, arguments.dataset)
        if dataset.is_trash:
            raise OperationError(f"{dataset.name} lies in the trash")
        there = zfs.snapshots(machine, dataset.name, recursive=arguments.recursive)
        taken = [each.name for each in there if each.tag == arguments.tag]
        if taken:
            raise InvalidRequestError(f"tag: there is a snapshot {taken[0]} already", param="tag")
        below = " and all below it" if arguments.recursive else ""
        called = arguments.tag or "named by the time when it is taken"
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Take a snapshot of {dataset.name}{below}: {called}",
            steps=(Step(
                text=f"Take the snapshot of {dataset.name}{below}", timeout_s=zfs.CHANGE_S,
                argv=_command(arguments, arguments.tag) if arguments.tag else (),
            ),),
            targets=(target(dataset),), locks=(lock(dataset.name),),
            facts={"newest": there[-1].guid if there else ""},
            notes=() if arguments.tag else (f"Now it would be {manual_tag(machine.now())}.",),
        )  # fmt: skip

    def apply(self, arguments: CreateArguments, plan: Plan, machine: Machine, work: Work) -> SnapshotRow:
        """Take it; its name has the very second."""
        tag = arguments.tag or manual_tag(machine.now())
        work.progress(plan.steps[0].text)
        machine.run(_command(arguments, tag), timeout_s=plan.steps[0].timeout_s)
        return row(zfs.snapshot(machine, f"{arguments.dataset}@{tag}"))

    def outcome(self, arguments: CreateArguments, plan: Plan, machine: Machine) -> Outcome:
        """A snapshot of this name is there, or none that is newer than those before."""
        there = zfs.snapshots(machine, arguments.dataset)
        if arguments.tag:
            is_there = any(each.tag == arguments.tag for each in there)
            return Outcome.FINISHED if is_there else Outcome.FAILED
        newest = str(plan.facts["newest"])
        order = [each.guid for each in there]
        later = there[order.index(newest) + 1 :] if newest in order else there
        return Outcome.FINISHED if any(each.tag.startswith("manual_") for each in later) else Outcome.FAILED


def _command(arguments: CreateArguments, tag: str) -> tuple[str, ...]:
    # -r takes all of them in one moment
    recursive = ["-r"] if arguments.recursive else []
    return ("zfs", "snapshot", *recursive, "--", f"{arguments.dataset}@{tag}")
