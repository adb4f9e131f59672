"""What the operations on a pool have in common: which pool, which disk of it, and how plans name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from sigmavault.core.errors import OperationError, UnknownObjectError
from sigmavault.core.names import DiskName, PoolName
from sigmavault.core.operation import Arguments, Change, Machine, Outcome, Plan, Positional, Step, Target
from sigmavault.core.storage import disks as core_disks
from sigmavault.core.storage.disks import Disk
from sigmavault.core.storage.pools import Pool, Vdev, VdevState
from sigmavault.core.storage.pools_redundancy import left_without, redundancy_left
from sigmavault.operations.pool.shown import PoolView, view
from sigmavault.system import disks, zpool

CHANGE_TIMEOUT_S: Final = 120.0
"""Labels are written to every disk, and one that stood still takes its time to spin up."""


class PoolArguments(Arguments):
    """Which pool."""

    name: Annotated[PoolName, Positional()] = Field(description="the pool", examples=["tank"])


class MemberArguments(PoolArguments):
    """Which disk of which pool."""

    disk: Annotated[DiskName, Positional()] = Field(
        description="the disk: its name in /dev/disk/by-id, its serial, or its GUID in the pool",
        examples=["ata-WDC_WD40EFRX_WD-1234"],
    )


class LeavingArguments(MemberArguments):
    """Which disk leaves which pool."""

    no_redundancy: bool = Field(
        default=False, description="it is meant that after it the next disk that fails takes data with it"
    )


class MemberChange[A: MemberArguments, V: PoolView](Change[A, V]):
    """Something is done to one disk of a pool, by one command; the answer is the pool."""

    def answer(self, arguments: A, machine: Machine) -> V:
        """The pool, as it is then."""
        return view(zpool.pool(machine, arguments.name), machine.now())  # type: ignore[return-value]

    def one_command(
        self, arguments: A, pool: Pool, member: tuple[Vdev, Disk | None], text: str,
        warnings: tuple[str, ...] = (), *, device: str = "",
    ) -> Plan:  # fmt: skip
        """The plan of `zpool VERB POOL DEVICE`: the operation's verb, the GUID where no device is given."""
        leaf, disk = member
        verb = self.name.partition(".")[2]
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"), summary=text,
            steps=(Step(text=text, argv=("zpool", verb, "--", pool.name, device or leaf.guid)),),
            targets=(pool_target(pool), member_target(leaf, disk)), warnings=warnings,
            locks=(f"pool:{pool.name}",), facts={"guid": leaf.guid, "state": leaf.state.value},
        )  # fmt: skip


def leaving(pool: Pool, leaf: Vdev, *, is_meant: bool) -> tuple[str, ...]:
    """What is to be said when a disk leaves its group.

    Raises:
        OperationError: data would be missing, or the last redundancy would go and nobody has said so.
    """
    before, after = redundancy_left(pool), left_without(pool, leaf)
    called = leaf.disk or leaf.name
    if after is None or after < 0:
        raise OperationError(
            f"without {called} data of {pool.name} would be missing",
            hint="replace it with a new disk instead",
        )
    if after > 0 or before == after:
        return ()
    said = f"without {called} the next disk of its group that fails takes all data of {pool.name} with it"
    if not is_meant:
        raise OperationError(said, hint="say `no_redundancy` if this is meant")
    return (said,)


def state_of(machine: Machine, plan: Plan) -> VdevState | None:
    """The state of the disk of a plan now; None when it, or its pool, is not there."""
    pool = still_there(machine, plan.targets[0])
    leaves = pool.leaves() if pool else ()
    return next((leaf.state for leaf in leaves if leaf.guid == plan.facts["guid"]), None)


def pool_target(pool: Pool) -> Target:
    """The pool as a plan names it. Its state is no part of it: `facts` of the plan hold what matters."""
    return Target(kind="pool", name=pool.name, identity=pool.guid)


def member_target(leaf: Vdev, disk: Disk | None) -> Target:
    """A disk of a pool as a plan names it: as a disk when it is plugged in, else by its GUID in the pool."""
    if disk is not None:
        return disks.target(disk)
    return Target(kind="disk", name=leaf.disk or leaf.name, identity=leaf.guid, facts={"now": "not found"})


def find_member(machine: Machine, pool: Pool, name: str) -> tuple[Vdev, Disk | None]:
    """The disk of a pool that somebody names, and what is plugged in of it.

    Raises:
        UnknownObjectError: it is not in this pool.
        OperationError: several disks have this serial.
    """
    plugged = disks.disks(machine, [pool])
    for leaf in pool.leaves():
        if name in {leaf.guid, leaf.disk} or leaf.path.endswith(f"/{name}"):
            return leaf, _plugged(leaf, plugged)
    try:
        disk = core_disks.find(name, plugged)
    except UnknownObjectError:
        disk = None
    if disk is not None:
        for leaf in pool.leaves():
            if leaf.disk in disk.aliases:
                return leaf, disk
    known = ", ".join(leaf.disk or leaf.guid for leaf in pool.leaves())
    raise UnknownObjectError(f"{name} is no disk of the pool {pool.name}", hint=f"its disks: {known}")


def _plugged(leaf: Vdev, plugged: Sequence[Disk]) -> Disk | None:
    return next((disk for disk in plugged if leaf.disk and leaf.disk in disk.aliases), None)


def require_usable(pool: Pool) -> None:
    """Raise when the pool cannot be written.

    Raises:
        OperationError: it is suspended, or data is missing.
    """
    if not pool.state.is_usable:
        raise OperationError(
            f"the pool {pool.name} is {pool.state}: nothing can be changed in it",
            hint=f"`sigmavault pool show {pool.name}` says what to do",
        )


def refuse_system_pool(pool: Pool, plugged: Sequence[Disk]) -> None:
    """Raise for the pool that the machine runs from.

    Raises:
        OperationError: it is that pool.
    """
    members = [disk for disk in plugged if disk.membership is not None and disk.membership.guid == pool.guid]
    if any(disk.is_boot for disk in members):
        raise OperationError(f"this machine runs from the pool {pool.name}")


def let_go(machine: Machine, target: Target) -> Outcome:
    """How it ended that a pool was to be imported no more."""
    try:
        zpool.pool(machine, target.name)
    except UnknownObjectError:
        return Outcome.FINISHED
    return Outcome.FAILED if still_there(machine, target) else Outcome.UNKNOWN


def still_there(machine: Machine, target: Target) -> Pool | None:
    """The pool of a plan, if it is still imported under its name and is still the same."""
    try:
        found = zpool.pool(machine, target.name)
    except UnknownObjectError:
        return None
    return found if found.guid == target.identity else None
