"""`dataset.rename`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.names import ChildName
from sigmavault.core.operation import Arguments, Change, Machine, Outcome, Plan, Positional, Risk, Step
from sigmavault.core.storage.datasets import Dataset
from sigmavault.operations.dataset.rows import (
    DatasetRow,
    in_pool,
    lock,
    named,
    place_below,
    require_free,
    require_free_place,
    require_parent,
    require_unprotected,
    require_unused,
    row,
    target,
    with_children,
)
from sigmavault.operations.dataset.shares import require_unshared
from sigmavault.system import zfs


class RenameArguments(Arguments):
    """Which dataset, and its new name."""

    name: Annotated[ChildName, Positional()] = Field(description="the dataset", examples=["tank/photos"])
    new_name: Annotated[ChildName, Positional()] = Field(
        description="its new name, in the same pool", examples=["tank/pictures"]
    )


class RenameDataset(Change[RenameArguments, DatasetRow]):
    """Another name for a dataset; it is mounted at another place from then on."""

    name = "dataset.rename"
    summary = "Give a dataset another name, or move it within its pool"
    risk = Risk.CHANGE
    examples = ("dataset rename tank/photos tank/pictures",)

    def plan(self, arguments: RenameArguments, machine: Machine) -> Plan:
        """Refuse what would fail halfway."""
        everything = in_pool(machine, arguments.name)
        dataset = named(everything, arguments.name)
        require_unprotected(dataset, everything)
        parent = _new_parent(everything, dataset, arguments.new_name)
        inside = with_children(everything, dataset.name)
        require_unshared(machine, inside)
        zfs.require_awake(machine, dataset.name)
        require_unused(machine, inside)
        place = _new_place(dataset, parent, arguments.new_name)
        if place != dataset.mountpoint:
            require_free_place(machine, place)
        moved = place and place != dataset.mountpoint
        argv = ("zfs", "rename", "--", dataset.name, arguments.new_name)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Rename {dataset.name} to {arguments.new_name}",
            steps=(Step(text=f"Rename it to {arguments.new_name}", argv=argv, timeout_s=zfs.CHANGE_S),),
            targets=(*map(target, inside), target(parent)),
            warnings=(f"Its files move from {dataset.mountpoint} to {place}.",) if moved else (),
            locks=(lock(dataset.name), lock(arguments.new_name)), facts={"place": place},
        )  # fmt: skip

    def answer(self, arguments: RenameArguments, machine: Machine) -> DatasetRow:
        """It, under its new name."""
        return row(zfs.dataset(machine, arguments.new_name))

    def outcome(self, arguments: RenameArguments, plan: Plan, machine: Machine) -> Outcome:
        """The dataset of this GUID has the new name, or still the old one."""
        guid = plan.targets[0].identity
        found = [each.name for each in in_pool(machine, arguments.name) if each.guid == guid]
        if found == [arguments.new_name]:
            return Outcome.FINISHED
        return Outcome.FAILED if found == [arguments.name] else Outcome.UNKNOWN


def _new_parent(everything: Sequence[Dataset], dataset: Dataset, new: str) -> Dataset:
    if new.partition("/")[0] != dataset.pool:
        raise InvalidRequestError("new_name: it must stay in its pool", param="new_name")
    if new == dataset.name or new.startswith(f"{dataset.name}/"):
        raise InvalidRequestError(f"new_name: {new} is {dataset.name}, or lies in it", param="new_name")
    require_free(everything, new, "new_name")
    parent = require_parent(everything, new, "new_name")
    inherits_key = dataset.encryption_root and not dataset.is_encryption_root
    if inherits_key and parent.encryption_root != dataset.encryption_root:
        raise InvalidRequestError(
            f"new_name: {dataset.name} has the key of {dataset.encryption_root} and must stay below it",
            param="new_name",
        )
    return parent


def _new_place(dataset: Dataset, parent: Dataset, new: str) -> str:
    place = dataset.properties["mountpoint"]
    return dataset.mountpoint if place.is_own else place_below(parent, new)
