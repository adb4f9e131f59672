"""`dataset.restore`: out of the trash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.names import ChildName, DatasetName
from sigmavault.core.operation import Arguments, Change, Machine, Outcome, Plan, Positional, Risk, Step, Work
from sigmavault.core.operation.operation import run_steps
from sigmavault.core.storage import trash
from sigmavault.core.storage.datasets import TRASH_CANMOUNT, Dataset, DatasetType, below
from sigmavault.core.storage.trash import Thrown
from sigmavault.operations.dataset.rows import (
    DatasetRow,
    key_is_missing,
    lock,
    place_below,
    renaming,
    require_free,
    require_free_place,
    require_parent,
    row,
    target,
)
from sigmavault.operations.dataset.thrown import find
from sigmavault.system import zfs


class RestoreArguments(Arguments):
    """What to take out of the trash."""

    name: Annotated[DatasetName, Positional()] = Field(
        description="the name that it had, or its entry in `dataset trash`", examples=["tank/photos"]
    )
    to: ChildName | None = Field(
        default=None, description="another name to give it", examples=["tank/photos-again"]
    )


class RestoreDataset(Change[RestoreArguments, DatasetRow]):
    """A dataset that was thrown away comes back with all its data and snapshots."""

    name = "dataset.restore"
    summary = "Take a dataset out of the trash"
    risk = Risk.CHANGE
    examples = ("dataset restore tank/photos", "dataset restore tank/photos --to tank/found")

    def plan(self, arguments: RestoreArguments, machine: Machine) -> Plan:
        """Refuse what would fail halfway."""
        everything = zfs.datasets(machine)
        thrown = find(everything, arguments.name)
        name = _new_name(arguments, thrown)
        parent = _new_parent(everything, thrown.dataset, name)
        inside = below(everything, thrown.dataset.name)
        place = _place(thrown, inside, parent, name)
        zfs.require_awake(machine, name)
        require_free_place(machine, place)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Take {name} out of the trash", steps=_steps(thrown, inside, name),
            targets=(*map(target, inside), target(parent)),
            warnings=_warnings(thrown, place),
            locks=(lock(name), lock(thrown.dataset.name)), facts={"name": name, "place": place},
        )  # fmt: skip

    def apply(self, arguments: RestoreArguments, plan: Plan, machine: Machine, work: Work) -> DatasetRow:
        """Move it back; what fails after that leaves it at its place, and says so."""
        run_steps(plan.steps, machine, work)
        return row(zfs.dataset(machine, str(plan.facts["name"])))

    def outcome(self, arguments: RestoreArguments, plan: Plan, machine: Machine) -> Outcome:
        """The dataset of this GUID has its name again, or lies still in the trash."""
        guid = plan.targets[0].identity
        found = [each for each in zfs.datasets(machine) if each.guid == guid]
        if len(found) != 1:
            return Outcome.UNKNOWN
        if found[0].name != plan.facts["name"]:
            return Outcome.FAILED if trash.is_thrown(found[0]) else Outcome.UNKNOWN
        is_hidden = bool(found[0].own(TRASH_CANMOUNT))
        is_up = found[0].mounted or not plan.facts["place"] or key_is_missing(found[0])
        return Outcome.FINISHED if is_up and not is_hidden else Outcome.FAILED


def _new_name(arguments: RestoreArguments, thrown: Thrown) -> str:
    name = arguments.to or thrown.origin
    if not name:
        raise InvalidRequestError(
            f"nobody knows what {thrown.entry} was called", param="to", hint="give it a name: `--to NAME`"
        )
    if name.partition("/")[0] != thrown.dataset.pool:
        raise InvalidRequestError(f"to: it must stay in its pool {thrown.dataset.pool}", param="to")
    return name


def _new_parent(everything: Sequence[Dataset], dataset: Dataset, name: str) -> Dataset:
    require_free(everything, name, "to")
    parent = require_parent(everything, name, "to")
    inherits_key = dataset.encryption_root and not dataset.is_encryption_root
    if inherits_key and parent.encryption_root != dataset.encryption_root:
        raise InvalidRequestError(
            f"to: it has the key of {dataset.encryption_root} and must be put below it", param="to"
        )
    return parent


def _place(thrown: Thrown, inside: Sequence[Dataset], parent: Dataset, name: str) -> str:
    """Where it will be mounted; empty for nowhere."""
    top = thrown.dataset
    if top.type is not DatasetType.FILESYSTEM or key_is_missing(top) or not _is_mounted_again(top):
        return ""
    is_own = top.properties["mountpoint"].is_own
    return top.mountpoint if is_own else place_below(parent, name)


def _is_mounted_again(dataset: Dataset) -> bool:
    return "on" in {dataset.can_mount, dataset.own(TRASH_CANMOUNT)}


def _steps(thrown: Thrown, inside: Sequence[Dataset], name: str) -> tuple[Step, ...]:
    old = thrown.dataset.name

    def step(text: str, *argv: str) -> Step:
        return Step(text=text, argv=argv, timeout_s=zfs.CHANGE_S)

    def new(dataset: Dataset) -> str:
        return name + dataset.name.removeprefix(old)

    steps = [renaming(f"Move {thrown.entry} back to {name}", thrown.dataset, name)]
    for each in trash.hidden(inside):
        before = each.own(TRASH_CANMOUNT)
        steps.append(step(f"Let {new(each)} be mounted", "zfs", "set", "--", f"canmount={before}", new(each)))
        steps.append(step("Forget that", "zfs", "inherit", "--", TRASH_CANMOUNT, new(each)))
    for stamp in trash.STAMPS:
        if thrown.dataset.own(stamp):
            steps.append(step(f"Forget {stamp}", "zfs", "inherit", "--", stamp, name))
    for each in inside:
        is_filesystem = each.type is DatasetType.FILESYSTEM
        if is_filesystem and _is_mounted_again(each) and not key_is_missing(each):
            steps.append(step(f"Mount {new(each)}", "zfs", "mount", "--", new(each)))
    return tuple(steps)


def _warnings(thrown: Thrown, place: str) -> tuple[str, ...]:
    if key_is_missing(thrown.dataset):
        return ("Its key is not loaded: it is mounted once it is (`sigmavault key load`).",)
    return () if place else ("It is mounted nowhere.",)
