"""`pool.destroy`."""

from __future__ import annotations

from sigmavault.core.errors import CommandError, OperationError
from sigmavault.core.operation import Change, Machine, NoAnswer, Outcome, Plan, Risk, Step, Work
from sigmavault.core.operation.operation import run_steps
from sigmavault.core.storage.pools import Pool
from sigmavault.operations.pool.touched import (
    CHANGE_TIMEOUT_S,
    PoolArguments,
    let_go,
    pool_target,
    refuse_system_pool,
    still_there,
)
from sigmavault.operations.pool.using import refuse_shared, refuse_suspended, refuse_used, uses
from sigmavault.system import disks, zfs, zpool


class DestroyPool(Change[PoolArguments, NoAnswer]):
    """Give a pool up: all its data is lost."""

    name = "pool.destroy"
    summary = "Give a pool up: all its data is lost, its disks become free"
    risk = Risk.DESTROY
    examples = ("pool destroy tank",)

    def plan(self, arguments: PoolArguments, machine: Machine) -> Plan:
        """What is on it, and what uses it."""
        pool = zpool.pool(machine, arguments.name)
        refuse_suspended(pool)
        plugged = disks.disks(machine, [pool])
        refuse_system_pool(pool, plugged)
        used = uses(machine, pool)
        refuse_shared(pool, used)
        refuse_used(pool, used)
        text = f"Destroy the pool {pool.name}"
        step = Step(text=text, argv=("zpool", "destroy", "--", pool.name), timeout_s=CHANGE_TIMEOUT_S)
        members = [disk for disk in plugged if disk.membership and disk.membership.guid == pool.guid]
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"), summary=text, steps=(step,),
            targets=(pool_target(pool), *(disks.target(disk) for disk in members)),
            losses=_losses(machine, pool), warnings=(*used.sentences, _AFTER), confirmation=pool.name,
            locks=(f"pool:{pool.name}", *(disks.lock(disk) for disk in members)),
        )  # fmt: skip

    def apply(self, arguments: PoolArguments, plan: Plan, machine: Machine, work: Work) -> NoAnswer:
        """Look at the GUID once more, and destroy it."""
        if still_there(machine, plan.targets[0]) is None:
            raise OperationError(f"{arguments.name} is another pool now, or gone: nothing was done")
        run_steps(plan.steps, machine, work)
        return NoAnswer()

    def outcome(self, arguments: PoolArguments, plan: Plan, machine: Machine) -> Outcome:
        """No pool of this name is imported, or it is still the same one."""
        return let_go(machine, plan.targets[0])


_AFTER = (
    "the labels stay on the disks: until one of them is wiped or used again, `zpool import -D` can bring the "
    "pool back"
)


def _losses(machine: Machine, pool: Pool) -> tuple[str, ...]:
    """What is on the pool, as numbers and names: sizes change by themselves, and are not part of it."""
    try:
        datasets, snapshots = zfs.tree(machine, pool.name)
    except (CommandError, OperationError) as error:
        return (f"all of {pool.name}; what is on it cannot be listed: {error.message}",)
    children = sorted(each.name for each in datasets if each.name != pool.name)
    named = f": {', '.join(children[:20])}{' …' if len(children) > 20 else ''}" if children else ""
    return (
        f"all data of {pool.name}: {len(children)} datasets below it{named}",
        f"{len(snapshots)} snapshots",
    )
