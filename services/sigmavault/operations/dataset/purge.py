"""`dataset.purge`: what is in the trash is destroyed for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import OperationError
from sigmavault.core.names import DatasetName
from sigmavault.core.operation import (
    Arguments,
    Bytes,
    Change,
    Machine,
    Outcome,
    Plan,
    Positional,
    Risk,
    Step,
    Value,
    Work,
)
from sigmavault.core.storage import trash
from sigmavault.core.storage.datasets import Dataset, below
from sigmavault.core.storage.snapshots import Snapshot, obstacles
from sigmavault.core.storage.trash import Thrown
from sigmavault.core.values import format_bytes
from sigmavault.operations.dataset.rows import lock, target
from sigmavault.operations.dataset.thrown import find
from sigmavault.system import zfs

ALL_DUE = "trash"
"""What is typed when everything that is due goes."""


class PurgeArguments(Arguments):
    """What to destroy."""

    name: Annotated[DatasetName | None, Positional()] = Field(
        default=None, description="one in the trash, due or not; all that are due when left out",
        examples=["tank/photos"],
    )  # fmt: skip


class Purged(Value):
    """What was freed.

    Attributes:
        destroyed: the names that they had, or their entries in the trash.
        freed_bytes: as it was before it began; ZFS frees it over the next minutes.
    """

    destroyed: tuple[str, ...]
    freed_bytes: Bytes


class Purge(Change[PurgeArguments, Purged]):
    """Empty the trash."""

    name = "dataset.purge"
    summary = "Destroy for good what is in the trash and due, or one dataset in it"
    risk = Risk.DESTROY
    examples = ("dataset purge", "dataset purge tank/photos")

    def plan(self, arguments: PurgeArguments, machine: Machine) -> Plan:
        """Show each; what is held or cloned stays."""
        everything = zfs.datasets(machine)
        chosen, kept = _choose(arguments, everything, zfs.snapshots(machine), machine.now())
        names = [_called(each) for each in chosen]
        freed = sum(each.dataset.used_bytes for each in chosen)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Destroy {', '.join(names)} in the trash for good",
            steps=tuple(_step(each) for each in chosen),
            targets=tuple(target(each.dataset) for each in chosen),
            losses=tuple(
                f"All data and all snapshots of {_called(one)}{each.name.removeprefix(one.dataset.name)}"
                for one in chosen for each in below(everything, one.dataset.name)
            ),
            warnings=kept, confirmation=arguments.name or ALL_DUE,
            locks=tuple(lock(each.dataset.name) for each in chosen), facts={"called": [*names]},
            notes=(f"It frees {format_bytes(freed)}.",),
        )  # fmt: skip

    def apply(self, arguments: PurgeArguments, plan: Plan, machine: Machine, work: Work) -> Purged:
        """Destroy one after another, each after a last look at its GUID."""
        destroyed, freed = [], 0
        for number, (step, each) in enumerate(zip(plan.steps, plan.targets, strict=True)):
            work.progress(step.text, number / len(plan.steps))
            zfs.require_same(machine, each.name, each.identity)
            used = zfs.dataset(machine, each.name).used_bytes
            machine.run(step.argv, timeout_s=step.timeout_s)
            destroyed.append(each.name.rpartition("/")[2])
            freed += used
        return Purged(destroyed=tuple(destroyed), freed_bytes=freed)

    def outcome(self, arguments: PurgeArguments, plan: Plan, machine: Machine) -> Outcome:
        """All of these GUIDs are gone, or not all."""
        there = {each.guid for each in zfs.datasets(machine)}
        left = any(each.identity in there for each in plan.targets)
        return Outcome.FAILED if left else Outcome.FINISHED


def _choose(
    arguments: PurgeArguments, everything: Sequence[Dataset], snapshots: Sequence[Snapshot], now: float
) -> tuple[list[Thrown], tuple[str, ...]]:
    """What goes, and a sentence for each that is due and stays."""
    if arguments.name is not None:
        thrown = find(everything, arguments.name)
        if against := _against(thrown, snapshots):
            raise OperationError(f"{_called(thrown)} is needed: {'; '.join(against[:5])}")
        return [thrown], ()
    due = [each for each in trash.thrown(everything) if each.is_due(now)]
    chosen = [each for each in due if not _against(each, snapshots)]
    if not chosen:
        raise OperationError("nothing in the trash is due", hint="see `sigmavault dataset trash`")
    kept = (f"{_called(each)} stays: {_against(each, snapshots)[0]}." for each in due if each not in chosen)
    return chosen, tuple(kept)


def _against(thrown: Thrown, snapshots: Sequence[Snapshot]) -> tuple[str, ...]:
    name = thrown.dataset.name
    own = [each for each in snapshots if each.dataset == name or each.dataset.startswith(f"{name}/")]
    return obstacles(own, inside=name)


def _called(thrown: Thrown) -> str:
    return thrown.origin or thrown.entry


def _step(thrown: Thrown) -> Step:
    # -r: below it and its snapshots only; a clone elsewhere makes ZFS refuse
    argv = ("zfs", "destroy", "-r", "--", thrown.dataset.name)
    return Step(text=f"Destroy {_called(thrown)} ({thrown.entry})", argv=argv, timeout_s=zfs.DESTROY_S)
