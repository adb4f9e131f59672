"""`pool.list`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.operations.pool.shown import PoolRow, row
from sigmavault.system import zpool


class Pools(Value):
    """The imported pools."""

    pools: tuple[PoolRow, ...]


class ListPools(Read[NoArguments, Pools]):
    """How the pools are doing."""

    name = "pool.list"
    summary = "Show the pools of this machine"
    examples = ("pool list", "pool list --json")

    def read(self, arguments: NoArguments, machine: Machine) -> Pools:
        """Ask ZFS, once."""
        return Pools(pools=tuple(row(pool) for pool in zpool.pools(machine)))
