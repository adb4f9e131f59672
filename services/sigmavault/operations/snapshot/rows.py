"""What the operations on snapshots answer with, and the parts that their plans share."""

from __future__ import annotations

from pathlib import Path

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Bytes, Machine, Target, Value
from sigmavault.core.storage.datasets import Dataset, DatasetType
from sigmavault.core.storage.snapshots import Snapshot, iso
from sigmavault.system import zfs


class SnapshotRow(Value):
    """A snapshot.

    Attributes:
        name: `tank/photos@monday`.
        guid: its identity, decimal.
        created: when it was taken, ISO 8601.
        used_bytes: what only this snapshot holds: destroying it alone frees so much.
        referenced_bytes: what it shows.
        holds: how many holds keep it from being destroyed.
        clones: datasets that were made out of it.
    """

    name: str
    guid: str
    created: str
    used_bytes: Bytes
    referenced_bytes: Bytes
    holds: int
    clones: tuple[str, ...]


def row(snapshot: Snapshot) -> SnapshotRow:
    """The row of a snapshot."""
    return SnapshotRow(
        name=snapshot.name, guid=snapshot.guid, created=iso(snapshot.created_at),
        used_bytes=snapshot.used_bytes, referenced_bytes=snapshot.referenced_bytes, holds=snapshot.holds,
        clones=snapshot.clones,
    )  # fmt: skip


def target(snapshot: Snapshot) -> Target:
    """A snapshot as a part of a plan."""
    facts = {"created": iso(snapshot.created_at)}
    return Target(kind="snapshot", name=snapshot.name, identity=snapshot.guid, facts=facts)


def dataset_of(name: str) -> str:
    """`tank/photos` of `tank/photos@monday`."""
    return name.partition("@")[0]


def places(machine: Machine, snapshot: Snapshot) -> tuple[Dataset, Path, Path]:
    """The dataset of a snapshot, the folder where it is mounted, and the one that shows the snapshot.

    Raises:
        OperationError: it is mounted nowhere, or its pool is suspended.
    """
    dataset = zfs.dataset(machine, snapshot.dataset)
    if dataset.type is not DatasetType.FILESYSTEM:
        raise OperationError(f"{dataset.name} is a volume: there are no files to be seen in it")
    if not dataset.mounted or not dataset.mountpoint.startswith("/"):
        raise OperationError(
            f"{dataset.name} is not mounted", hint="load its key, or clone the snapshot (`snapshot clone`)"
        )
    zfs.require_awake(machine, dataset.name)
    top = machine.root / dataset.mountpoint.lstrip("/")
    # it is mounted there by the kernel as soon as somebody goes in
    return dataset, top, top / ".zfs" / "snapshot" / snapshot.tag
