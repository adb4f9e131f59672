"""`dataset.destroy`: into the trash, or for good where that is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import CommandError, OperationError
from sigmavault.core.names import ChildName
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
from sigmavault.core.storage import snapshots as snapshot_values
from sigmavault.core.storage import trash
from sigmavault.core.storage.datasets import TRASH_CANMOUNT, Dataset, DatasetType, by_name
from sigmavault.core.storage.snapshots import Snapshot
from sigmavault.core.values import format_bytes
from sigmavault.operations.dataset.rows import (
    in_pool,
    lock,
    named,
    renaming,
    require_unprotected,
    require_unused,
    target,
    unmounting,
)
from sigmavault.operations.dataset.shares import require_unshared
from sigmavault.system import zfs


class DestroyArguments(Arguments):
    """What to destroy."""

    name: Annotated[ChildName, Positional()] = Field(description="the dataset", examples=["tank/photos"])
    recursive: bool = Field(default=False, description="with the datasets below it")
    days: int = Field(
        default=trash.DEFAULT_DAYS, ge=0, le=trash.LONGEST_DAYS,
        description="for how many days it is kept in the trash", examples=[30],
    )  # fmt: skip
    now: bool = Field(
        default=False, description="not into the trash: free the space at once; nothing brings it back"
    )


class DestroyDataset(Change[DestroyArguments, NoAnswer]):
    """A dataset that nobody wants any more."""

    name = "dataset.destroy"
    summary = "Throw a dataset away; it can be taken out of the trash for some days"
    risk = Risk.DESTROY
    examples = (
        "dataset destroy tank/old",
        "dataset destroy tank/old --recursive --days 30",
        "dataset destroy tank/old --now",
    )

    def plan(self, arguments: DestroyArguments, machine: Machine) -> Plan:
        """Refuse what is protected or needed; show everything that goes."""
        everything = in_pool(machine, arguments.name)
        dataset = named(everything, arguments.name)
        require_unprotected(dataset, everything)
        inside, snapshots = zfs.tree(machine, dataset.name)
        _require_wanted(arguments, inside, snapshots)
        require_unshared(machine, inside)
        zfs.require_awake(machine, dataset.name)
        require_unused(machine, inside)
        common = {
            "operation": self.name, "arguments": arguments.model_dump(mode="json"),
            "targets": tuple(map(target, inside)), "confirmation": dataset.name,
            "notes": (f"It holds {format_bytes(dataset.used_bytes)}.",),
        }  # fmt: skip
        if arguments.now:
            return Plan.model_validate(common | _for_good(machine, inside, snapshots))
        return Plan.model_validate(common | _into_trash(arguments, everything, inside))

    def apply(self, arguments: DestroyArguments, plan: Plan, machine: Machine, work: Work) -> NoAnswer:
        """Do it. Whatever fails before it lies in the trash leaves it mounted at its place, as it was."""
        zfs.require_same(machine, arguments.name, plan.targets[0].identity)
        try:
            for number, step in enumerate(plan.steps):
                work.progress(step.text, number / len(plan.steps))
                argv = step.argv or _stamping(arguments, machine)
                machine.run(argv, timeout_s=step.timeout_s)
        except CommandError:
            _put_back(plan, arguments.name, machine)
            raise
        return NoAnswer()

    def outcome(self, arguments: DestroyArguments, plan: Plan, machine: Machine) -> Outcome:
        """The dataset of this GUID is in the trash (or gone), or still at its place."""
        found = {each.guid: each for each in in_pool(machine, arguments.name)}
        dataset = found.get(plan.targets[0].identity)
        if arguments.now:
            left = any(each.identity in found for each in plan.targets)
            return Outcome.FAILED if left else Outcome.FINISHED
        if dataset is None:
            return Outcome.UNKNOWN
        if dataset.name == plan.facts["in_trash"]:
            return Outcome.FINISHED
        return Outcome.FAILED if dataset.name == arguments.name else Outcome.UNKNOWN


def _require_wanted(
    arguments: DestroyArguments, inside: Sequence[Dataset], snapshots: Sequence[Snapshot]
) -> None:
    children = [each.name for each in inside[1:]]
    if children and not arguments.recursive:
        raise OperationError(
            f"{arguments.name} has datasets below it: {_some(children)}",
            hint="`--recursive` takes them along",
        )
    if against := snapshot_values.obstacles(snapshots, inside=arguments.name):
        raise OperationError(
            f"{arguments.name} is needed: {'; '.join(against[:5])}",
            hint="`sigmavault snapshot release`, or destroy the clones first",
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(names[:5])}{more}"


def _for_good(
    machine: Machine, inside: Sequence[Dataset], snapshots: Sequence[Snapshot]
) -> dict[str, object]:
    dataset = inside[0]
    recursive = len(inside) > 1 or bool(snapshots)
    gone, _ = zfs.would_destroy(machine, dataset.name, recursive=recursive)
    argv = ("zfs", "destroy", *(["-r"] if recursive else []), "--", dataset.name)
    return {
        "summary": f"Destroy the dataset {dataset.name} for good",
        "steps": (Step(text=f"Destroy {dataset.name}", argv=argv, timeout_s=zfs.DESTROY_S),),
        "losses": _losses(inside, snapshots),
        "dry_run": "\n".join(f"would destroy {each}" for each in gone),
        "locks": (lock(dataset.name),),
    }


def _losses(inside: Sequence[Dataset], snapshots: Sequence[Snapshot]) -> tuple[str, ...]:
    found = [f"All data of {each.name}" for each in inside]
    count = sum(not each.is_bookmark for each in snapshots)
    return (*found, *([f"Their snapshots: {count}"] if count else []))


def _into_trash(
    arguments: DestroyArguments, everything: Sequence[Dataset], inside: Sequence[Dataset]
) -> dict[str, object]:
    dataset = inside[0]
    container, there = trash.container_of(dataset), trash.name_in_trash(dataset)
    steps = [
        *([] if container in by_name(everything) else [_make_container(container)]),
        *_unmounting(inside),
        Step(text=f"Note where {dataset.name} was, since when it is in the trash, and for how long",
             timeout_s=zfs.CHANGE_S),
        renaming(f"Move {dataset.name} into the trash", dataset, there),
        *(_hiding(each, there + each.name.removeprefix(dataset.name)) for each in trash.to_hide(inside)),
    ]  # fmt: skip
    return {
        "summary": f"Move the dataset {dataset.name} into the trash, for {arguments.days} days",
        "steps": tuple(steps), "locks": (lock(dataset.name), lock(there)),
        "warnings": (
            "No space is freed before its days are over and the trash is emptied (`dataset purge`).",
        ),
        "facts": {"in_trash": there, "mounted": [each.name for each in inside if each.mounted]},
    }  # fmt: skip


def _make_container(container: str) -> Step:
    argv = ("zfs", "create", *trash.CONTAINER_PROPERTIES, "--", container)
    return Step(text=f"Create the trash {container}", argv=argv, timeout_s=zfs.CHANGE_S)


def _unmounting(inside: Sequence[Dataset]) -> list[Step]:
    """The lowest first; a dataset that is not mounted may have mounted ones below it."""
    return [
        unmounting(each) for each in reversed(inside) if each.mounted and each.type is DatasetType.FILESYSTEM
    ]


def _hiding(dataset: Dataset, name: str) -> Step:
    words = ("canmount=noauto", f"{TRASH_CANMOUNT}={dataset.can_mount}")
    return Step(
        text=f"Keep {dataset.name} from being mounted",
        argv=("zfs", "set", "--", *words, name),
        timeout_s=zfs.CHANGE_S,
    )


def _stamping(arguments: DestroyArguments, machine: Machine) -> tuple[str, ...]:
    """Not in the plan, which would be another one each second."""
    return ("zfs", "set", "--", *trash.stamp(arguments.name, machine.now(), arguments.days), arguments.name)


def _put_back(plan: Plan, name: str, machine: Machine) -> None:
    """Mount again what was mounted, as far as it is still there; what failed first is what is told."""
    mounted = plan.facts.get("mounted", [])
    with contextlib.suppress(CommandError, OperationError):
        if isinstance(mounted, list) and zfs.dataset(machine, name).guid == plan.targets[0].identity:
            for each in trash.STAMPS:
                machine.run(("zfs", "inherit", "--", each, name), timeout_s=zfs.CHANGE_S, check=False)
            for below in sorted(str(each) for each in mounted):
                machine.run(("zfs", "mount", "--", below), timeout_s=zfs.CHANGE_S, check=False)
