"""`pool.clear`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.names import DiskName
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Positional, Risk, Step
from sigmavault.core.storage.pools import Pool, PoolState
from sigmavault.operations.pool.shown import PoolView, view
from sigmavault.operations.pool.touched import PoolArguments, find_member, pool_target, still_there
from sigmavault.system import zpool


class ClearArguments(PoolArguments):
    """Which pool, which disk of it."""

    disk: Annotated[DiskName, Positional()] | None = Field(
        default=None, description="one disk of the pool; all of them when left out",
        examples=["ata-WDC_WD40EFRX_WD-1234"],
    )  # fmt: skip


class ClearPool(Change[ClearArguments, PoolView]):
    """Set error counters back, and let a suspended pool go on."""

    name = "pool.clear"
    summary = "Set the error counters of a pool back, and let a suspended pool go on"
    risk = Risk.CHANGE
    examples = ("pool clear tank", "pool clear tank WD-1234")

    def plan(self, arguments: ClearArguments, machine: Machine) -> Plan:
        """A suspended pool goes on only when its disks are back."""
        pool = zpool.pool(machine, arguments.name)
        leaf = find_member(machine, pool, arguments.disk)[0] if arguments.disk else None
        what = f"of {leaf.disk or leaf.name} in {pool.name}" if leaf else f"of {pool.name}"
        argv = ("zpool", "clear", "--", pool.name, *((leaf.guid,) if leaf else ()))
        warnings = []
        if pool.state is PoolState.SUSPENDED:
            warnings.append(
                f"{pool.name} goes on only if its disks are back; writes that were under way fail"
            )
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Set the error counters {what} back",
            steps=(Step(text=f"Set the error counters {what} back", argv=argv),),
            targets=(pool_target(pool),), warnings=tuple(warnings), locks=(f"pool:{pool.name}",),
            facts={"state": pool.state.value},
        )  # fmt: skip

    def answer(self, arguments: ClearArguments, machine: Machine) -> PoolView:
        """The pool as it is now."""
        return view(zpool.pool(machine, arguments.name), machine.now())

    def outcome(self, arguments: ClearArguments, plan: Plan, machine: Machine) -> Outcome:
        """No error is counted, and nothing is suspended."""
        pool = still_there(machine, plan.targets[0])
        if pool is None:
            return Outcome.UNKNOWN
        return Outcome.FINISHED if _is_clear(pool) else Outcome.FAILED


def _is_clear(pool: Pool) -> bool:
    return pool.state is not PoolState.SUSPENDED and not any(leaf.errors for leaf in pool.leaves())
