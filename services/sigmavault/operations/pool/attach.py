"""`pool.attach`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import InvalidRequestError, OperationError
from sigmavault.core.names import DiskName, PoolName
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Positional, Risk, Step, Work
from sigmavault.core.operation.operation import run_steps
from sigmavault.core.storage.pools import Pool, Role, Vdev, VdevKind
from sigmavault.core.storage.topology import LIMITS, RESERVED_BYTES, Layout
from sigmavault.core.values import format_bytes
from sigmavault.operations.pool.shown import PoolView, view
from sigmavault.operations.pool.taking import TakingArguments, take
from sigmavault.operations.pool.touched import (
    CHANGE_TIMEOUT_S,
    find_member,
    member_target,
    pool_target,
    require_usable,
    still_there,
)
from sigmavault.system import zpool


class AttachArguments(TakingArguments):
    """Which disk joins which."""

    name: Annotated[PoolName, Positional()] = Field(description="the pool", examples=["tank"])
    disk: Annotated[DiskName, Positional()] = Field(
        description="a disk of the pool: one that stands alone, or one of a mirror",
        examples=["ata-WDC_WD40EFRX_WD-1234"],
    )  # fmt: skip
    new: Annotated[DiskName, Positional()] = Field(
        description="the disk that joins it", examples=["ata-WDC_WD40EFRX_WD-5678"]
    )


class AttachDisk(Change[AttachArguments, PoolView]):
    """Make a mirror of a single disk, or a mirror wider."""

    name = "pool.attach"
    summary = "Make a mirror of a single disk, or a mirror wider, by one more disk"
    risk = Risk.CHANGE
    examples = ("pool attach tank WD-1234 WD-5678",)

    def plan(self, arguments: AttachArguments, machine: Machine) -> Plan:
        """The new disk must be free, and large enough."""
        pools = zpool.pools(machine)
        pool = zpool.among(pools, arguments.name)
        require_usable(pool)
        leaf, beside = find_member(machine, pool, arguments.disk)
        called = leaf.disk or leaf.name
        _refuse(pool, leaf, called)
        taken = take(machine, (arguments.new,), arguments, pools)
        (new,) = taken.disks
        needed = leaf.needed_bytes + RESERVED_BYTES
        if new.size_bytes < needed:
            raise InvalidRequestError(
                f"{new.called} is too small: {format_bytes(new.size_bytes)}, beside {called} it needs "
                f"{format_bytes(needed)}", param="new",
            )  # fmt: skip
        text = f"Make {new.called} a mirror of {called} in {pool.name}, and copy its data"
        argv = ("zpool", "attach", "--", pool.name, leaf.guid, new.by_id)
        step = Step(text=text, argv=argv, timeout_s=CHANGE_TIMEOUT_S)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"), summary=text,
            steps=(*taken.steps, step),
            targets=(pool_target(pool), member_target(leaf, beside), *taken.targets), losses=taken.losses,
            warnings=taken.worries, confirmation=pool.name if taken.losses else "",
            locks=(f"pool:{pool.name}", *taken.locks), facts={"guid": leaf.guid, "new": new.name},
            is_simulated=machine.is_simulated,
        )  # fmt: skip

    def apply(self, arguments: AttachArguments, plan: Plan, machine: Machine, work: Work) -> PoolView:
        """Make the new disk blank where that was allowed; the copying is begun and goes on by itself."""
        take(machine, (arguments.new,), arguments).make_blank(machine, work)
        run_steps(plan.steps[-1:], machine, work)
        return self.answer(arguments, machine)

    def answer(self, arguments: AttachArguments, machine: Machine) -> PoolView:
        """The pool, with the copying that runs."""
        return view(zpool.pool(machine, arguments.name), machine.now())

    def outcome(self, arguments: AttachArguments, plan: Plan, machine: Machine) -> Outcome:
        """The new disk is in the pool."""
        pool = still_there(machine, plan.targets[0])
        if pool is None:
            return Outcome.UNKNOWN
        is_in = plan.facts["new"] in {leaf.disk for leaf in pool.leaves()}
        return Outcome.FINISHED if is_in else Outcome.FAILED


def _refuse(pool: Pool, leaf: Vdev, called: str) -> None:
    group = pool.parents().get(leaf.guid)
    if leaf.role in {Role.SPARE, Role.CACHE}:
        raise OperationError(f"{called} is a {leaf.role} disk of {pool.name}: it cannot be mirrored")
    if group is not None and group.kind is not VdevKind.MIRROR:
        raise OperationError(
            f"{called} is in a {group.kind} group: only a mirror can be made wider",
            hint=f"add a whole group instead: `sigmavault pool add {pool.name} …`",
        )
    most = LIMITS[Layout.MIRROR].most
    if group is not None and len(group.children) >= most:
        raise OperationError(f"the mirror of {called} has {most} disks already")
