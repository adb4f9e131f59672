"""`pool.add`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import InvalidRequestError, OperationError
from sigmavault.core.names import PoolName
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Positional, Risk, Step, Work
from sigmavault.core.storage import topology
from sigmavault.core.storage.pools import Pool, Role, Vdev
from sigmavault.core.storage.topology import Layout, Topology
from sigmavault.operations.pool.shown import PoolView, view
from sigmavault.operations.pool.taking import Disks, TakingArguments, forced, hand_over, refuse_uneven, take
from sigmavault.operations.pool.touched import CHANGE_TIMEOUT_S, pool_target, require_usable, still_there
from sigmavault.system import zpool


class AddArguments(TakingArguments):
    """What is added to which pool."""

    name: Annotated[PoolName, Positional()] = Field(description="the pool", examples=["tank"])
    role: Annotated[Role, Positional()] = Field(
        description="what the disks are for; data disks become one more group like those that are there",
        examples=["data", "spare"],
    )  # fmt: skip
    disks: Annotated[Disks, Positional()] = Field(
        min_length=1, description="the disks: names of /dev/disk/by-id, or serials",
        examples=[["ata-WDC_WD40EFRX_WD-1234", "ata-WDC_WD40EFRX_WD-5678"]],
    )  # fmt: skip
    no_redundancy: bool = Field(
        default=False, description="it is meant that a disk that stands alone takes all data with it"
    )
    uneven_sizes: bool = Field(
        default=False, description="it is meant that the smallest disk of a group counts for all of it"
    )


class AddDisks(Change[AddArguments, PoolView]):
    """Make a pool larger by a group, or give it spares, a log, a cache or special disks."""

    name = "pool.add"
    summary = "Make a pool larger by a group of disks, or give it spares, a log, a cache or special disks"
    risk = Risk.CHANGE
    examples = ("pool add tank data WD-5 WD-6", "pool add tank spare WD-7")

    def plan(self, arguments: AddArguments, machine: Machine) -> Plan:
        """A new data group must be like those that are there: zpool would also take others."""
        pools = zpool.pools(machine)
        pool = zpool.among(pools, arguments.name)
        require_usable(pool)
        taken = take(machine, arguments.disks, arguments, pools)
        asked = _topology(pool, arguments, taken.members)
        sizes = refuse_uneven(asked.groups, is_allowed=arguments.uneven_sizes)
        words = ("-o", "ashift=12", "--", pool.name, *asked.words)
        drawn = zpool.rehearse(machine, "add", words, is_forced=bool(sizes or taken.with_data))
        text = f"Add {len(taken.disks)} {arguments.role} disk(s) to {pool.name}"
        step = Step(text=text, argv=("zpool", "add", *forced(sizes), *words), timeout_s=CHANGE_TIMEOUT_S)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"), summary=text,
            steps=(*taken.steps, step), targets=(pool_target(pool), *taken.targets), losses=taken.losses,
            warnings=(*_warnings(pool, arguments.role), *topology.warnings(asked), *sizes, *taken.worries),
            dry_run=drawn, confirmation=pool.name if taken.losses else "",
            locks=(f"pool:{pool.name}", *taken.locks), facts={"new": [disk.name for disk in taken.disks]},
        )  # fmt: skip

    def apply(self, arguments: AddArguments, plan: Plan, machine: Machine, work: Work) -> PoolView:
        """Make disks blank where that was allowed, and add them."""
        take(machine, arguments.disks, arguments).make_blank(machine, work)
        hand_over(plan.steps[-1], machine, work)
        return self.answer(arguments, machine)

    def answer(self, arguments: AddArguments, machine: Machine) -> PoolView:
        """The larger pool."""
        return view(zpool.pool(machine, arguments.name), machine.now())

    def outcome(self, arguments: AddArguments, plan: Plan, machine: Machine) -> Outcome:
        """All of the new disks are in the pool, or none is."""
        pool = still_there(machine, plan.targets[0])
        new = plan.facts["new"]
        if pool is None or not isinstance(new, list):
            return Outcome.UNKNOWN
        inside = {leaf.disk for leaf in pool.leaves()}
        found = sum(name in inside for name in new)
        return {len(new): Outcome.FINISHED, 0: Outcome.FAILED}.get(found, Outcome.UNKNOWN)


def _topology(pool: Pool, arguments: AddArguments, members: tuple[topology.Member, ...]) -> Topology:
    asked = _parts(pool, arguments, members)
    topology.check(asked, at_least=_redundancy(pool), smallest_bytes=_smallest(pool))
    groups = (*asked.data, *asked.special)
    if any(group.redundancy == 0 for group in groups) and not arguments.no_redundancy:
        raise InvalidRequestError(
            "the first of these disks that fails would take all data of the pool with it",
            param="no_redundancy", hint="say `no_redundancy` if this is meant",
        )  # fmt: skip
    return asked


def _parts(pool: Pool, arguments: AddArguments, members: tuple[topology.Member, ...]) -> Topology:
    match arguments.role:
        case Role.DATA:
            return Topology(data=_like(pool, members))
        case Role.SPECIAL:
            return Topology(data=(), special=(topology.mirrored(members),))
        case Role.LOG:
            if pool.of_role(Role.LOG):
                raise OperationError(f"{pool.name} has a log already")
            return Topology(data=(), log=topology.mirrored(members))
        case Role.CACHE:
            return Topology(data=(), cache=members)
        case Role.SPARE:
            return Topology(data=(), spares=members)
    raise InvalidRequestError(
        "SigmaVault does not make dedup disks: they pay for almost nobody", param="role"
    )


def _like(pool: Pool, members: tuple[topology.Member, ...]) -> tuple[topology.Group, ...]:
    """Groups of the kind and width that the pool has."""
    kinds = {(topology.layout_of(vdev.kind), max(1, len(vdev.children))) for vdev in _data(pool)}
    if len(kinds) != 1 or None in {layout for layout, _ in kinds}:
        raise OperationError(
            f"the groups of {pool.name} are not of one kind and width: SigmaVault adds nothing to such a pool"
        )
    ((layout, width),) = kinds
    layout = layout or Layout.STRIPE
    if len(members) % width:
        raise InvalidRequestError(
            f"the groups of {pool.name} are {layout} of {width} disks: add {width}, or a multiple of it",
            param="disks",
        )
    return topology.split(layout, members, None if layout is Layout.STRIPE else len(members) // width)


def _data(pool: Pool) -> tuple[Vdev, ...]:
    return pool.of_role(Role.DATA)


def _redundancy(pool: Pool) -> int:
    """How many disks a data group of the pool may lose when all is well."""
    found = []
    for vdev in _data(pool):
        layout = topology.layout_of(vdev.kind) or Layout.STRIPE
        found.append(topology.redundancy(layout, max(1, len(vdev.children))))
    return min(found, default=0)


def _smallest(pool: Pool) -> int:
    """The smallest data disk of the pool: of what ZFS uses of it."""
    return min((leaf.size_bytes for vdev in _data(pool) for leaf in vdev.leaves()), default=0)


def _warnings(pool: Pool, role: Role) -> tuple[str, ...]:
    if role not in {Role.DATA, Role.SPECIAL}:
        return ()
    if any(
        topology.layout_of(vdev.kind) in {Layout.RAIDZ1, Layout.RAIDZ2, Layout.RAIDZ3} for vdev in _data(pool)
    ):
        return (f"what is added now can never be removed from {pool.name} again: it has raidz groups",)
    return (
        f"what is added now stays: removing it later means copying its data onto the rest of {pool.name}",
    )
