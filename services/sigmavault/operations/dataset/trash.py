"""`dataset.trash`."""

from __future__ import annotations

from sigmavault.core.operation import Bytes, Machine, NoArguments, Read, Value
from sigmavault.core.storage import trash
from sigmavault.core.storage.datasets import Dataset
from sigmavault.core.storage.snapshots import iso
from sigmavault.system import zfs


class ThrownRow(Value):
    """A dataset in the trash.

    Attributes:
        entry: what `dataset.restore` and `dataset.purge` may be told.
        origin: the name that it had; empty when that is not known.
        pool: where it lies.
        used_bytes: what destroying it would free.
        since: when it was thrown away, ISO 8601.
        until: for how long it is kept; then it may be destroyed. Null when that is not known.
        is_due: whether that time is over.
        guid: its identity, decimal.
    """

    entry: str
    origin: str
    pool: str
    used_bytes: Bytes
    since: str | None
    until: str | None
    is_due: bool
    guid: str


class Trash(Value):
    """What lies in the trash of all pools; what is due first comes first."""

    thrown: tuple[ThrownRow, ...]


class ListTrash(Read[NoArguments, Trash]):
    """What was thrown away."""

    name = "dataset.trash"
    summary = "List the datasets in the trash, and until when they are kept"
    examples = ("dataset trash",)

    def read(self, arguments: NoArguments, machine: Machine) -> Trash:
        """Ask ZFS."""
        now = machine.now()
        found = zfs.each_dataset(machine, _thrown, columns=trash.COLUMNS)
        return Trash(thrown=tuple(_row(each, now) for each in trash.thrown(found)))


def _thrown(dataset: Dataset) -> Dataset | None:
    return dataset if trash.is_thrown(dataset) else None


def _row(thrown: trash.Thrown, now: float) -> ThrownRow:
    return ThrownRow(
        entry=thrown.entry, origin=thrown.origin, pool=thrown.dataset.pool,
        used_bytes=thrown.dataset.used_bytes, since=None if thrown.since is None else iso(thrown.since),
        until=None if thrown.due_at is None else iso(thrown.due_at), is_due=thrown.is_due(now),
        guid=thrown.dataset.guid,
    )  # fmt: skip
