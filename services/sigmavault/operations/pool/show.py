"""`pool.show`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, Read
from sigmavault.operations.pool.shown import PoolView, view
from sigmavault.operations.pool.touched import PoolArguments
from sigmavault.system import zpool


class ShowPool(Read[PoolArguments, PoolView]):
    """One pool with its disks, its errors, and how far a scrub or resilver is."""

    name = "pool.show"
    summary = "Show a pool: its disks, errors, redundancy, and how far a scrub or resilver is"
    examples = ("pool show tank",)

    def read(self, arguments: PoolArguments, machine: Machine) -> PoolView:
        """Ask ZFS, once."""
        return view(zpool.pool(machine, arguments.name), machine.now())
