"""`pool.detach`."""

from __future__ import annotations

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Machine, Outcome, Plan, Risk
from sigmavault.core.storage.pools import Pool, Vdev, VdevKind
from sigmavault.operations.pool.shown import PoolView
from sigmavault.operations.pool.touched import (
    LeavingArguments,
    MemberChange,
    find_member,
    leaving,
    require_usable,
    state_of,
    still_there,
)
from sigmavault.system import zpool

_GROUPS = frozenset({VdevKind.MIRROR, VdevKind.REPLACING, VdevKind.SPARE})


class DetachDisk(MemberChange[LeavingArguments, PoolView]):
    """Take a disk out of a mirror for good."""

    name = "pool.detach"
    summary = "Take a disk out of a mirror for good, or end its replacement"
    risk = Risk.CHANGE
    examples = ("pool detach tank WD-1234",)

    def plan(self, arguments: LeavingArguments, machine: Machine) -> Plan:
        """Only out of a mirror, or of a disk and the one that takes its place."""
        pool = zpool.pool(machine, arguments.name)
        require_usable(pool)
        leaf, disk = find_member(machine, pool, arguments.disk)
        called = leaf.disk or leaf.name
        _refuse(pool, leaf, called)
        warnings = leaving(pool, leaf, is_meant=arguments.no_redundancy)
        text = f"Take {called} out of {pool.name} for good"
        return self.one_command(arguments, pool, (leaf, disk), text, warnings)

    def outcome(self, arguments: LeavingArguments, plan: Plan, machine: Machine) -> Outcome:
        """The disk is no part of the pool any more."""
        if still_there(machine, plan.targets[0]) is None:
            return Outcome.UNKNOWN
        return Outcome.FINISHED if state_of(machine, plan) is None else Outcome.FAILED


def _refuse(pool: Pool, leaf: Vdev, called: str) -> None:
    group = pool.parents().get(leaf.guid)
    if group is None or group.kind not in _GROUPS:
        where = f"a {group.kind} group" if group else "no mirror"
        raise OperationError(
            f"{called} is in {where}: a disk can be taken out of a mirror only",
            hint="replace it, or take it offline",
        )
