"""What a pool can still lose, and what a person should do about it. Pure."""

from __future__ import annotations

from dataclasses import replace

from sigmavault.core.storage.pools import Pool, PoolState, Role, ScanKind, Vdev, VdevKind, VdevState
from sigmavault.core.storage.topology import layout_of, redundancy

_LOST_WITH: tuple[Role, ...] = (Role.DATA, Role.SPECIAL, Role.DEDUP)
"""A top-level vdev of these that fails takes the pool with it."""
_STAND_INS = frozenset({VdevKind.REPLACING, VdevKind.SPARE})
FULL_PERCENT = 80.0


def is_resilvering(pool: Pool) -> bool:
    """Whether data is being copied onto a disk that does not have all of it yet."""
    return pool.scan is not None and pool.scan.is_running and pool.scan.kind is ScanKind.RESILVER


def has_its_data(vdev: Vdev, *, resilvering: bool) -> bool:
    """Whether a disk, or what stands in its place, holds all that it should.

    While a resilver runs, of a disk and its replacement only the first counts: the second is being filled.
    """
    if vdev.kind in _STAND_INS:
        children = vdev.children[:1] if resilvering else vdev.children
        return any(has_its_data(child, resilvering=resilvering) for child in children)
    return vdev.state.is_working and not (resilvering and vdev.is_rebuilt)


def failures_left(vdev: Vdev, *, resilvering: bool) -> int | None:
    """How many more disks of a top-level vdev may fail; below 0: data is missing. None: a kind not known."""
    layout = layout_of(vdev.kind)
    if layout is None and vdev.kind not in _STAND_INS:
        return None
    if layout is None or not vdev.children:  # one disk, or one that is being replaced
        return 0 if has_its_data(vdev, resilvering=resilvering) else -1
    failed = sum(not has_its_data(child, resilvering=resilvering) for child in vdev.children)
    return redundancy(layout, len(vdev.children)) - failed


def redundancy_left(pool: Pool) -> int | None:
    """How many more disks may fail at worst, before data is lost; None when nobody can tell."""
    if not pool.state.is_usable:
        return -1
    running = is_resilvering(pool)
    each = [failures_left(vdev, resilvering=running) for role in _LOST_WITH for vdev in pool.of_role(role)]
    known = [left for left in each if left is not None]
    return min(known) if known and len(known) == len(each) else None


def in_words(pool: Pool) -> str:
    """`redundancy_left` for people."""
    left = redundancy_left(pool)
    if left is None:
        return "not known: the pool has a kind of group that SigmaVault does not make"
    if left < 0:
        return "none: data is missing"
    if left == 0:
        return "none: the next disk that fails takes the pool with it"
    return f"{left} more disk{'s' if left > 1 else ''} of any group may fail"


def left_without(pool: Pool, leaf: Vdev) -> int | None:
    """How many more disks of its group may fail once this disk is out of use; below 0: data would be missing.

    None for a group that nobody can judge. Spares, caches and logs hold no data: they change nothing.
    """
    top = next((each for each in pool.vdevs if leaf.guid in {inner.guid for inner in each.walk()}), None)
    if top is None or top.role not in _LOST_WITH:
        return redundancy_left(pool)
    return failures_left(_without(top, leaf.guid), resilvering=is_resilvering(pool))


def _without(vdev: Vdev, guid: str) -> Vdev:
    if vdev.guid == guid:
        return replace(vdev, state=VdevState.OFFLINE)
    return replace(vdev, children=tuple(_without(child, guid) for child in vdev.children))


def advice(pool: Pool) -> tuple[str, ...]:
    """What to do, a sentence each, the most urgent first; empty when all is well."""
    found: list[str] = []
    if pool.state is PoolState.SUSPENDED:
        found.append(
            "too many disks are gone, so nothing can be read or written: check power and cables, plug the "
            f"disks in again, then `sigmavault pool clear {pool.name}`"
        )
    elif not pool.state.is_usable:
        found.append(
            "the pool cannot be used: plug in the missing disks; look for a backup before trying more"
        )
    if is_resilvering(pool):
        found.append("a disk is being filled: leave the others in their places until that has ended")
    found += [_about(pool, leaf) for leaf in pool.leaves() if _is_missing(leaf)]
    if pool.data_errors:
        found.append(
            f"{pool.data_errors} blocks are damaged and could not be repaired: `zpool status -v` names the "
            "files; restore them from a snapshot or a backup"
        )
    worn = [leaf for leaf in pool.leaves() if leaf.errors and leaf.state.is_working]
    found += [
        f"{leaf.disk or leaf.name} had {leaf.errors} errors: check its cable, then its SMART values; "
        f"`sigmavault pool clear {pool.name}` sets the counters back"
        for leaf in worn
    ]
    if pool.used_percent is not None and pool.used_percent >= FULL_PERCENT:
        found.append(
            f"the pool is {pool.used_percent:.0f} % full: above {FULL_PERCENT:.0f} % it becomes slow"
        )
    return tuple(found)


def _is_missing(leaf: Vdev) -> bool:
    return not leaf.state.is_working and leaf.state not in {VdevState.AVAIL, VdevState.INUSE}


def _about(pool: Pool, leaf: Vdev) -> str:
    name = leaf.disk or leaf.name
    if leaf.state is VdevState.OFFLINE:
        return f"{name} was taken offline: `sigmavault pool online {pool.name} {name}` brings it back"
    again = (
        f"plug {name} in again, or put a new disk in its place: `sigmavault pool replace {pool.name} {name}`"
    )
    what = {VdevState.REMOVED: "was pulled", VdevState.UNAVAIL: "is not found"}.get(leaf.state, "has failed")
    return f"{name} {what}: {again}"
