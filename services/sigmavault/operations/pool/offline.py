"""`pool.offline`."""

from __future__ import annotations

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Machine, Outcome, Plan, Risk
from sigmavault.core.storage.pools import VdevState
from sigmavault.operations.pool.shown import PoolView
from sigmavault.operations.pool.touched import (
    LeavingArguments,
    MemberChange,
    find_member,
    leaving,
    require_usable,
    state_of,
)
from sigmavault.system import zpool


class OfflineDisk(MemberChange[LeavingArguments, PoolView]):
    """Take a disk of a pool out of use, for as long as nobody brings it back."""

    name = "pool.offline"
    summary = "Take a disk of a pool out of use, until it is brought back"
    risk = Risk.CHANGE
    examples = ("pool offline tank WD-1234",)

    def plan(self, arguments: LeavingArguments, machine: Machine) -> Plan:
        """Never a disk whose data would be missing."""
        pool = zpool.pool(machine, arguments.name)
        require_usable(pool)
        leaf, disk = find_member(machine, pool, arguments.disk)
        called = leaf.disk or leaf.name
        if leaf.state is VdevState.OFFLINE:
            raise OperationError(f"{called} is out of use already")
        warnings = leaving(pool, leaf, is_meant=arguments.no_redundancy)
        text = f"Take {called} of {pool.name} out of use"
        return self.one_command(arguments, pool, (leaf, disk), text, warnings)

    def outcome(self, arguments: LeavingArguments, plan: Plan, machine: Machine) -> Outcome:
        """The disk is out of use."""
        state = state_of(machine, plan)
        if state is None:
            return Outcome.UNKNOWN
        return Outcome.FINISHED if state is VdevState.OFFLINE else Outcome.FAILED
