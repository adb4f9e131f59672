"""`pool.export`."""

from __future__ import annotations

from sigmavault.core.operation import Change, Machine, NoAnswer, Outcome, Plan, Risk, Step
from sigmavault.operations.pool.touched import (
    CHANGE_TIMEOUT_S,
    PoolArguments,
    let_go,
    pool_target,
    refuse_system_pool,
)
from sigmavault.operations.pool.using import refuse_suspended, refuse_used, uses
from sigmavault.system import disks, zpool


class ExportPool(Change[PoolArguments, NoAnswer]):
    """Let go of a pool, so that its disks can be unplugged."""

    name = "pool.export"
    summary = "Let go of a pool, so that its disks can be unplugged or used by another machine"
    risk = Risk.CHANGE
    examples = ("pool export tank",)

    def plan(self, arguments: PoolArguments, machine: Machine) -> Plan:
        """What uses it is named first."""
        pool = zpool.pool(machine, arguments.name)
        refuse_suspended(pool)
        plugged = disks.disks(machine, [pool])
        refuse_system_pool(pool, plugged)
        used = uses(machine, pool)
        refuse_used(pool, used)
        text = f"Let go of the pool {pool.name}"
        step = Step(text=text, argv=("zpool", "export", "--", pool.name), timeout_s=CHANGE_TIMEOUT_S)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"), summary=text, steps=(step,),
            targets=(pool_target(pool),), warnings=used.sentences, locks=(f"pool:{pool.name}",),
        )  # fmt: skip

    def outcome(self, arguments: PoolArguments, plan: Plan, machine: Machine) -> Outcome:
        """It is not imported any more."""
        return let_go(machine, plan.targets[0])
