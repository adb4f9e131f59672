"""`pool.online`."""

from __future__ import annotations

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Machine, Outcome, Plan, Risk, Work
from sigmavault.core.operation.operation import run_steps
from sigmavault.core.storage.disks import Disk
from sigmavault.core.storage.pools import Vdev, VdevState
from sigmavault.operations.pool.shown import PoolView
from sigmavault.operations.pool.touched import (
    MemberArguments,
    MemberChange,
    find_member,
    state_of,
)
from sigmavault.system import zpool

_RESERVED = "6a945a3b-1dd2-11b2-99a6-080020736631"
"""Type of the last partition that ZFS makes on a disk that it is given whole."""

_ATTEMPTS = 5


class OnlineDisk(MemberChange[MemberArguments, PoolView]):
    """Bring a disk of a pool back into use."""

    name = "pool.online"
    summary = "Bring a disk of a pool back into use; what it missed is copied onto it"
    risk = Risk.CHANGE
    examples = ("pool online tank WD-1234",)

    def plan(self, arguments: MemberArguments, machine: Machine) -> Plan:
        """Only a disk that is out of use, and plugged in."""
        pool = zpool.pool(machine, arguments.name)
        leaf, disk = find_member(machine, pool, arguments.disk)
        called = leaf.disk or leaf.name
        if leaf.state is VdevState.ONLINE:
            raise OperationError(f"{called} is in use already")
        if leaf.disk and disk is None:
            raise OperationError(f"{called} is not plugged in", hint="plug it in, or replace it")
        text = f"Bring {called} back into {pool.name}"
        return self.one_command(arguments, pool, (leaf, disk), text, device=_device(leaf, disk))

    def apply(self, arguments: MemberArguments, plan: Plan, machine: Machine, work: Work) -> PoolView:
        """Until the disk works: looking whether it has grown makes udev read its partitions anew.

        While it does that they are not there, and ZFS may look for its own just then ("label is missing").
        """
        for _ in range(_ATTEMPTS):
            run_steps(plan.steps, machine, work)
            state = state_of(machine, plan)
            if state is None or state.is_working:
                break
        return self.answer(arguments, machine)

    def outcome(self, arguments: MemberArguments, plan: Plan, machine: Machine) -> Outcome:
        """The disk is in use. One that is neither in use nor out of it may be on its way."""
        state = state_of(machine, plan)
        if state is VdevState.OFFLINE:
            return Outcome.FAILED
        return Outcome.FINISHED if state is not None and state.is_working else Outcome.UNKNOWN


def _device(leaf: Vdev, disk: Disk | None) -> str:
    """How zpool is told which disk: a whole one by its path, because it looks whether it has grown.

    For that `zpool online` opens the disk where the pool has `autoexpand`; a GUID is nothing to open, and it
    ends with "Failed to online …: -1".
    """
    if disk is not None and any(each.partition_type == _RESERVED for each in disk.node.children):
        return f"/dev/disk/by-id/{leaf.disk}"
    return leaf.guid
