"""`snapshot.restore-file`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import OperationError, SigmaVaultError, UnknownObjectError
from sigmavault.core.names import SnapshotName
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
    Target,
    Value,
    Work,
)
from sigmavault.core.storage.datasets import Dataset
from sigmavault.core.storage.paths import FilePath, beside, parts
from sigmavault.core.storage.snapshots import Snapshot, iso
from sigmavault.core.values import format_bytes
from sigmavault.operations.dataset.rows import lock
from sigmavault.operations.snapshot.rows import dataset_of, places, target
from sigmavault.system import beneath, zfs
from sigmavault.system.beneath import Entry, EntryKind
from sigmavault.system.copying import Copier


class RestoreArguments(Arguments):
    """What to bring back."""

    snapshot: Annotated[SnapshotName, Positional()] = Field(
        description="the snapshot", examples=["tank/photos@monday"]
    )
    path: Annotated[FilePath, Positional()] = Field(
        description="the file or folder in it", examples=["2026/plan.odt"]
    )
    over: bool = Field(
        default=False, description="in the place of the present file, which is lost, and not beside it"
    )


class RestoredFile(Value):
    """What was brought back.

    Attributes:
        path: where it is now, inside the dataset.
        size_bytes: of a file; null for a folder.
    """

    path: str
    size_bytes: Bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    snapshot: Snapshot
    dataset: Dataset
    top: Path
    shown: Path
    names: tuple[str, ...]
    old: Entry
    new_name: str
    present: Entry | None


class RestoreFile(Change[RestoreArguments, RestoredFile]):
    """An old version of a file comes back, with its owner, its rights and its attributes."""

    name = "snapshot.restore-file"
    summary = "Bring a file or folder back as it was when a snapshot was taken"
    risk = Risk.CHANGE
    examples = (
        "snapshot restore-file tank/photos@monday 2026/plan.odt",
        "snapshot restore-file tank/photos@monday 2026/plan.odt --over",
    )

    def plan(self, arguments: RestoreArguments, machine: Machine) -> Plan:
        """Find both, and refuse what would hide or mix something."""
        found = _find(arguments, machine)
        folder = "/".join(found.names[:-1])
        new = f"{folder}/{found.new_name}" if folder else found.new_name
        is_replaced = found.present is not None
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Bring back {arguments.path} of {found.snapshot.name} as {new}",
            steps=(Step(text=f"Copy it to {new} in {found.dataset.name}"),),
            targets=(
                target(found.snapshot),
                Target(kind="file", name=f"{found.dataset.mountpoint}/{new}",
                       identity=found.present.identity if found.present else "",
                       facts={"dataset": found.dataset.guid}),
            ),
            losses=(f"The present content of {new}",) if is_replaced else (),
            confirmation=found.new_name if is_replaced else "",
            locks=(lock(found.dataset.name),),
            facts={"new": new, "old": found.old.identity, "content": found.old.content},
            notes=(f"It is from {iso(found.old.modified_at)}, {format_bytes(found.old.size_bytes)}.",),
        )  # fmt: skip

    def apply(self, arguments: RestoreArguments, plan: Plan, machine: Machine, work: Work) -> RestoredFile:
        """Copy it under a name of its own, then give it the real one."""
        found = _find(arguments, machine)
        total = found.old.size_bytes if found.old.kind is EntryKind.FILE else 0

        def tell(done: int) -> None:
            fraction = min(done / total, 1.0) if total else None
            work.progress(f"{format_bytes(done)} of {arguments.path} copied", fraction)

        tell(0)
        # by the snapshot: what an earlier try of the same left is known, and nothing of anybody else
        draft = f".sigmavault-restore-{found.snapshot.guid}"
        with _both(found) as (source, there):
            Copier(tell).copy(source, found.names[-1], there, found.new_name, draft, over=arguments.over)
        size = found.old.size_bytes if found.old.kind is EntryKind.FILE else None
        return RestoredFile(path=str(plan.facts["new"]), size_bytes=size)

    def outcome(self, arguments: RestoreArguments, plan: Plan, machine: Machine) -> Outcome:
        """It has its real name, which it gets last; where one was there before, it is another file now."""
        dataset = zfs.dataset(machine, dataset_of(arguments.snapshot))
        top = machine.root / dataset.mountpoint.lstrip("/")
        names = parts(str(plan.facts["new"]))
        try:
            with beneath.folder(top, names[:-1]) as inside:
                present = beneath.entry(inside, names[-1])
        except SigmaVaultError:
            return Outcome.UNKNOWN
        if present is None or present.identity == plan.targets[1].identity:
            return Outcome.FAILED
        if not arguments.over or present.content == plan.facts["content"]:
            return Outcome.FINISHED
        return Outcome.UNKNOWN


def _find(arguments: RestoreArguments, machine: Machine) -> _Found:
    snapshot = zfs.snapshot(machine, arguments.snapshot)
    dataset, top, shown = places(machine, snapshot)
    if dataset.readonly:
        raise OperationError(f"{dataset.name} is read-only")
    names = parts(arguments.path)
    new_name = names[-1] if arguments.over else beside(names[-1], snapshot.tag)
    with beneath.folder(shown, names[:-1]) as source:
        old = beneath.entry(source, names[-1])
    if old is None:
        raise UnknownObjectError(f"there is no {arguments.path} in {snapshot.name}")
    with _live(top, names) as there:
        present = beneath.entry(there, new_name)
    found = _Found(
        snapshot=snapshot, dataset=dataset, top=top, shown=shown, names=names, old=old, new_name=new_name,
        present=present,
    )  # fmt: skip
    _require_possible(found, arguments)
    return found


def _require_possible(found: _Found, arguments: RestoreArguments) -> None:
    if found.old.kind is EntryKind.OTHER:
        raise OperationError(f"{arguments.path} is a device, a socket or a pipe, and is not brought back")
    if not arguments.over and found.present is not None:
        raise OperationError(
            f"{found.new_name} is there already: it was brought back before", hint="rename it, or remove it"
        )
    kinds = {found.old.kind, found.present.kind if found.present else EntryKind.FILE}
    if arguments.over and kinds != {EntryKind.FILE}:
        raise OperationError(
            f"{arguments.path} is a folder or a link, and is not put in the place of another",
            hint="without `--over` it is brought back beside it",
        )


@contextmanager
def _live(top: Path, names: tuple[str, ...]) -> Iterator[int]:
    """The folder of today in which it belongs, in the same dataset."""
    way = "/".join(names[:-1])
    try:
        opened = beneath.folder(top, names[:-1])
        with opened as inside:
            beneath.require_same_device(top, inside, way)
            yield inside
    except UnknownObjectError as error:
        raise OperationError(
            f"the folder {way} is not there any more", hint="bring back the folder itself"
        ) from error


@contextmanager
def _both(found: _Found) -> Iterator[tuple[int, int]]:
    with beneath.folder(found.shown, found.names[:-1]) as source, _live(found.top, found.names) as there:
        yield source, there
