"""A pool whose making was cut off: found again when it is asked for once more (`core/storage/begun.py`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sigmavault.core.operation import Machine
from sigmavault.core.storage import begun as begun_pools
from sigmavault.core.storage.pools import Pool
from sigmavault.system import disks, zfs


def is_begun(machine: Machine, pool: Pool) -> bool:
    """Whether its making was cut off.

    Raises:
        SigmaVaultError: ZFS does not tell.
    """
    found = zfs.datasets(machine, pool.name)
    return begun_pools.is_begun(pool.name, {each.name: each.mountpoint for each in found})


def begun(machine: Machine, name: str, asked: Collection[str], pools: Sequence[Pool]) -> Pool | None:
    """The pool of this name on exactly these disks, if it was begun and no more.

    Raises:
        UnknownObjectError: there is no such disk.
        SigmaVaultError: ZFS does not tell.
    """
    pool = next((each for each in pools if each.name == name), None)
    if pool is None:
        return None
    found = disks.disks(machine, pools)
    names = {disks.resolve(machine, each, found).called for each in asked}
    return pool if names == {leaf.disk for leaf in pool.leaves()} and is_begun(machine, pool) else None
