"""`pool.replace`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import InvalidRequestError, OperationError
from sigmavault.core.names import DiskName, PoolName
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Positional, Risk, Step, Work
from sigmavault.core.operation.operation import run_steps
from sigmavault.core.storage.pools import Pool, Vdev, VdevKind
from sigmavault.core.storage.topology import RESERVED_BYTES
from sigmavault.core.values import format_bytes
from sigmavault.operations.pool.shown import PoolView, view
from sigmavault.operations.pool.taking import Taken, TakingArguments, take
from sigmavault.operations.pool.touched import (
    CHANGE_TIMEOUT_S,
    find_member,
    member_target,
    pool_target,
    require_usable,
    still_there,
)
from sigmavault.system import zpool


class ReplaceArguments(TakingArguments):
    """Which disk, and what takes its place."""

    name: Annotated[PoolName, Positional()] = Field(description="the pool", examples=["tank"])
    disk: Annotated[DiskName, Positional()] = Field(
        description="the disk that leaves: its name in /dev/disk/by-id, its serial, or its GUID in the pool",
        examples=["ata-WDC_WD40EFRX_WD-1234"],
    )  # fmt: skip
    new: Annotated[DiskName, Positional()] = Field(
        description="the disk that takes its place", examples=["ata-WDC_WD40EFRX_WD-5678"]
    )


class ReplaceDisk(Change[ReplaceArguments, PoolView]):
    """Put a new disk in the place of another. Its data is copied while the pool is in use."""

    name = "pool.replace"
    summary = "Put a new disk in the place of one of a pool; `pool show` tells how far the copying is"
    risk = Risk.CHANGE
    examples = ("pool replace tank WD-1234 WD-5678",)

    def plan(self, arguments: ReplaceArguments, machine: Machine) -> Plan:
        """The new disk must be free, and large enough; one in an imported pool is always refused."""
        pools = zpool.pools(machine)
        pool = zpool.among(pools, arguments.name)
        require_usable(pool)
        leaf, old = find_member(machine, pool, arguments.disk)
        taken = take(machine, (arguments.new,), arguments, pools)
        (new,) = taken.disks
        called = leaf.disk or leaf.name
        _refuse(pool, leaf, taken)
        text = f"Put {new.called} in the place of {called} in {pool.name}, and copy its data"
        argv = ("zpool", "replace", "--", pool.name, leaf.guid, new.by_id)
        step = Step(text=text, argv=argv, timeout_s=CHANGE_TIMEOUT_S)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"), summary=text,
            steps=(*taken.steps, step),
            targets=(pool_target(pool), member_target(leaf, old), *taken.targets), losses=taken.losses,
            warnings=(*_warnings(leaf), *taken.worries), confirmation=pool.name if taken.losses else "",
            locks=(f"pool:{pool.name}", *taken.locks), facts={"guid": leaf.guid, "new": new.name},
            is_simulated=machine.is_simulated,
        )  # fmt: skip

    def apply(self, arguments: ReplaceArguments, plan: Plan, machine: Machine, work: Work) -> PoolView:
        """Make the new disk blank where that was allowed; the rest is begun and goes on by itself."""
        take(machine, (arguments.new,), arguments).make_blank(machine, work)
        run_steps(plan.steps[-1:], machine, work)
        return self.answer(arguments, machine)

    def answer(self, arguments: ReplaceArguments, machine: Machine) -> PoolView:
        """The pool, with the copying that runs."""
        return view(zpool.pool(machine, arguments.name), machine.now())

    def outcome(self, arguments: ReplaceArguments, plan: Plan, machine: Machine) -> Outcome:
        """The new disk is in the pool."""
        pool = still_there(machine, plan.targets[0])
        if pool is None:
            return Outcome.UNKNOWN
        is_in = plan.facts["new"] in {leaf.disk for leaf in pool.leaves()}
        return Outcome.FINISHED if is_in else Outcome.FAILED


def _refuse(pool: Pool, leaf: Vdev, taken: Taken) -> None:
    group = pool.parents().get(leaf.guid)
    called = leaf.disk or leaf.name
    if group is not None and group.kind is VdevKind.REPLACING:
        raise OperationError(
            f"{called} is being replaced already",
            hint=f"take the one that is not wanted out: `sigmavault pool detach {pool.name} DISK`",
        )
    (new,) = taken.disks
    needed = leaf.needed_bytes + RESERVED_BYTES
    if leaf.needed_bytes and new.size_bytes < needed:
        raise InvalidRequestError(
            f"{new.called} is too small: {format_bytes(new.size_bytes)}, the place of {called} needs "
            f"{format_bytes(needed)}", param="new",
        )  # fmt: skip


def _warnings(leaf: Vdev) -> tuple[str, ...]:
    if not leaf.state.is_working:
        return ()
    return (f"leave {leaf.disk or leaf.name} plugged in until the copying has ended: it still helps",)
