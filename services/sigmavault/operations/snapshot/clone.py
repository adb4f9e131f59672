"""`snapshot.clone`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import InvalidRequestError, OperationError, UnknownObjectError
from sigmavault.core.names import ChildName, SnapshotName
from sigmavault.core.operation import Arguments, Change, Machine, Outcome, Plan, Positional, Risk, Step
from sigmavault.operations.dataset import rows as dataset_rows
from sigmavault.operations.dataset.rows import DatasetRow
from sigmavault.operations.snapshot.rows import dataset_of, target
from sigmavault.system import zfs


class CloneArguments(Arguments):
    """Of what, and its name."""

    snapshot: Annotated[SnapshotName, Positional()] = Field(
        description="the snapshot", examples=["tank/photos@monday"]
    )
    name: Annotated[ChildName, Positional()] = Field(
        description="the new dataset, in the same pool", examples=["tank/photos-monday"]
    )


class CloneSnapshot(Change[CloneArguments, DatasetRow]):
    """A dataset that begins as a snapshot was; at first it takes no space."""

    name = "snapshot.clone"
    summary = "Make a new dataset that begins as a snapshot was"
    risk = Risk.CHANGE
    examples = ("snapshot clone tank/photos@monday tank/photos-monday",)

    def plan(self, arguments: CloneArguments, machine: Machine) -> Plan:
        """Refuse what would fail or hide something."""
        snapshot = zfs.snapshot(machine, arguments.snapshot)
        everything = dataset_rows.in_pool(machine, snapshot.dataset)
        origin = dataset_rows.named(everything, snapshot.dataset)
        if origin.is_trash:
            raise OperationError(f"{origin.name} lies in the trash")
        if arguments.name.partition("/")[0] != origin.pool:
            raise InvalidRequestError(f"name: a clone stays in its pool {origin.pool}", param="name")
        dataset_rows.require_free(everything, arguments.name, "name")
        parent = dataset_rows.require_parent(everything, arguments.name, "name")
        place = dataset_rows.place_below(parent, arguments.name)
        zfs.require_awake(machine, origin.name)
        dataset_rows.require_free_place(machine, place)
        argv = ("zfs", "clone", "--", snapshot.name, arguments.name)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Make the dataset {arguments.name} out of {snapshot.name}",
            steps=(Step(text=f"Clone {snapshot.name}", argv=argv, timeout_s=zfs.CHANGE_S),),
            targets=(target(snapshot), dataset_rows.target(parent)),
            warnings=(f"{snapshot.name} cannot be destroyed as long as {arguments.name} is there.",),
            locks=(dataset_rows.lock(arguments.name), dataset_rows.lock(origin.name)),
            facts={"place": place},
        )  # fmt: skip

    def answer(self, arguments: CloneArguments, machine: Machine) -> DatasetRow:
        """It, as it is now."""
        return dataset_rows.row(zfs.dataset(machine, arguments.name))

    def outcome(self, arguments: CloneArguments, plan: Plan, machine: Machine) -> Outcome:
        """There is a clone of this snapshot under the name, or nothing."""
        try:
            found = zfs.dataset(machine, arguments.name)
        except UnknownObjectError:
            return Outcome.FAILED
        is_clone = dataset_of(found.origin) == dataset_of(arguments.snapshot)
        return Outcome.FINISHED if is_clone and found.origin == arguments.snapshot else Outcome.UNKNOWN
