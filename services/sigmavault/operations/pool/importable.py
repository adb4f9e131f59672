"""`pool.importable`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.core.storage.pools import PoolState
from sigmavault.core.storage.pools_import import ForeignPool
from sigmavault.operations.pool.shown import iso
from sigmavault.system import zpool


class ForeignRow(Value):
    """A pool that is plugged in and not imported.

    Attributes:
        guid: what it is imported by.
        last_host: the machine that used it last; empty when its disks do not tell.
        last_written: ISO 8601, UTC; None when its disks do not tell.
        is_of_other_host: that machine did not let go of it: it may still be using it.
        problem: what is wrong in ZFS's words; empty when nothing is.
        remedy: what ZFS says about importing it.
        missing: disks that are not found.
    """

    name: str
    guid: str
    state: PoolState
    last_host: str
    last_written: str | None
    is_of_other_host: bool
    problem: str
    remedy: str
    disks: tuple[str, ...]
    missing: tuple[str, ...]


class ForeignPools(Value):
    """Pools that are plugged in and not imported."""

    pools: tuple[ForeignRow, ...]


class ImportablePools(Read[NoArguments, ForeignPools]):
    """Look for pools on all disks: one zpool, and one zdb for each pool that is found."""

    name = "pool.importable"
    summary = "Look for pools on all disks that are not imported"
    examples = ("pool importable",)

    def read(self, arguments: NoArguments, machine: Machine) -> ForeignPools:
        """Ask ZFS what there is, and a disk of each pool who used it last."""
        return ForeignPools(pools=tuple(row(machine, each) for each in zpool.importable(machine)))


def row(machine: Machine, pool: ForeignPool) -> ForeignRow:
    """A pool with what its disks tell of its last use."""
    label = zpool.last_use(machine, pool)
    return ForeignRow(
        name=pool.name, guid=pool.guid, state=pool.state, last_host=label.host,
        last_written=iso(label.written) if label.written else None, is_of_other_host=pool.is_of_other_host,
        problem=pool.problem, remedy=pool.remedy, disks=tuple(name for name, _ in pool.disks),
        missing=tuple(name for name, is_found in pool.disks if not is_found),
    )  # fmt: skip
