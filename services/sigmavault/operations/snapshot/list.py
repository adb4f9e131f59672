"""`snapshot.list`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.names import DatasetName
from sigmavault.core.operation import Arguments, Machine, Positional, Read, Value
from sigmavault.core.storage.trash import lies_in_trash
from sigmavault.operations.snapshot.rows import SnapshotRow, row
from sigmavault.system import zfs


class ListArguments(Arguments):
    """Whose snapshots."""

    dataset: Annotated[DatasetName | None, Positional()] = Field(
        default=None, description="only those of this dataset", examples=["tank/photos"]
    )
    recursive: bool = Field(default=False, description="those of the datasets below it as well")


class Snapshots(Value):
    """Snapshots, the oldest first; those in the trash are not among them."""

    snapshots: tuple[SnapshotRow, ...]


class ListSnapshots(Read[ListArguments, Snapshots]):
    """What snapshots there are."""

    name = "snapshot.list"
    summary = "List the snapshots, with what each holds"
    examples = ("snapshot list", "snapshot list tank/photos --recursive")

    def read(self, arguments: ListArguments, machine: Machine) -> Snapshots:
        """Ask ZFS."""
        found = zfs.snapshots(machine, arguments.dataset or "", recursive=arguments.recursive)
        return Snapshots(snapshots=tuple(row(each) for each in found if not lies_in_trash(each.dataset)))
