"""What `pool.attach` and `pool.replace` have in common: a new disk joins one of a pool and takes its data."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar

from pydantic import Field

from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.names import DiskName, PoolName
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Positional, Step, Work
from sigmavault.core.storage.disks import Disk
from sigmavault.core.storage.pools import Pool, Vdev
from sigmavault.core.storage.topology import RESERVED_BYTES
from sigmavault.core.values import format_bytes
from sigmavault.operations.pool.shown import PoolView, view
from sigmavault.operations.pool.taking import TakingArguments, hand_over, take
from sigmavault.operations.pool.touched import (
    CHANGE_TIMEOUT_S,
    find_member,
    member_target,
    pool_target,
    require_usable,
    still_there,
)
from sigmavault.system import zpool


class JoiningArguments(TakingArguments):
    """Which disk joins which."""

    name: Annotated[PoolName, Positional()] = Field(description="the pool", examples=["tank"])
    disk: Annotated[DiskName, Positional()] = Field(description="a disk of the pool")
    new: Annotated[DiskName, Positional()] = Field(description="the new disk")


class Joining[A: JoiningArguments, V: PoolView](Change[A, V]):
    """A new disk joins one of a pool. Its data is copied while the pool is in use.

    Attributes:
        command: of `zpool`.
    """

    command: ClassVar[str]

    @abstractmethod
    def text(self, pool: Pool, called: str, new: Disk) -> str:
        """What happens, as a sentence."""

    @abstractmethod
    def refuse(self, pool: Pool, leaf: Vdev, called: str) -> None:
        """Raises OperationError when no disk can join this one."""

    def warnings(self, leaf: Vdev) -> tuple[str, ...]:
        """What a careful person would say."""
        return ()

    def plan(self, arguments: A, machine: Machine) -> Plan:
        """The new disk must be free, and large enough; one in an imported pool is always refused."""
        pools = zpool.pools(machine)
        pool = zpool.among(pools, arguments.name)
        require_usable(pool)
        leaf, old = find_member(machine, pool, arguments.disk)
        called = leaf.disk or leaf.name
        self.refuse(pool, leaf, called)
        taken = take(machine, (arguments.new,), arguments, pools)
        (new,) = taken.disks
        _require_size(new, leaf, called)
        text = self.text(pool, called, new)
        argv = ("zpool", self.command, "--", pool.name, leaf.guid, new.by_id)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"), summary=text,
            steps=(*taken.steps, Step(text=text, argv=argv, timeout_s=CHANGE_TIMEOUT_S)),
            targets=(pool_target(pool), member_target(leaf, old), *taken.targets), losses=taken.losses,
            warnings=(*self.warnings(leaf), *taken.worries),
            confirmation=pool.name if taken.losses else "",
            locks=(f"pool:{pool.name}", *taken.locks), facts={"guid": leaf.guid, "new": new.name},
        )  # fmt: skip

    def apply(self, arguments: A, plan: Plan, machine: Machine, work: Work) -> V:
        """Make the new disk blank where that was allowed; the copying is begun and goes on by itself."""
        take(machine, (arguments.new,), arguments).make_blank(machine, work)
        hand_over(plan.steps[-1], machine, work)
        return self.answer(arguments, machine)

    def answer(self, arguments: A, machine: Machine) -> V:
        """The pool, with the copying that runs."""
        return view(zpool.pool(machine, arguments.name), machine.now())  # type: ignore[return-value]

    def outcome(self, arguments: A, plan: Plan, machine: Machine) -> Outcome:
        """The new disk is in the pool."""
        pool = still_there(machine, plan.targets[0])
        if pool is None:
            return Outcome.UNKNOWN
        is_in = plan.facts["new"] in {leaf.disk for leaf in pool.leaves()}
        return Outcome.FINISHED if is_in else Outcome.FAILED


def _require_size(new: Disk, leaf: Vdev, called: str) -> None:
    needed = leaf.needed_bytes + RESERVED_BYTES
    if leaf.needed_bytes and new.size_bytes < needed:
        raise InvalidRequestError(
            f"{new.called} is too small: {format_bytes(new.size_bytes)}, the data of {called} needs "
            f"{format_bytes(needed)}", param="new",
        )  # fmt: skip
