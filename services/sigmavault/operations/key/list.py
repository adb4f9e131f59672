"""`key.list`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.operations.key.rows import KeyRow, row
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
        found = zfs.datasets(machine)
        return Keys(keys=tuple(row(each) for each in found if each.is_encryption_root and not each.is_trash))
