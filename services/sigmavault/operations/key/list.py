"""`key.list`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.core.storage.datasets import Dataset
from sigmavault.operations.key.rows import KEY_COLUMNS, KeyRow, row
from sigmavault.system import zfs


class Keys(Value):
    """The keys of all encryption roots."""

    keys: tuple[KeyRow, ...]


class ListKeys(Read[NoArguments, Keys]):
    """Which keys there are; never a key itself."""

    name = "key.list"
    summary = "List the keys of encrypted datasets: loaded or not, stored elsewhere or not"
    examples = ("key list",)

    def read(self, arguments: NoArguments, machine: Machine) -> Keys:
        """Ask ZFS."""
        return Keys(keys=zfs.each_dataset(machine, _listed, columns=KEY_COLUMNS))


def _listed(dataset: Dataset) -> KeyRow | None:
    return row(dataset) if dataset.is_encryption_root and not dataset.is_trash else None
