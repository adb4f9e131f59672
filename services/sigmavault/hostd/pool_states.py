"""What of the pools is watched, and what of it has changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sigmavault.core.storage.pools import Pool, Vdev

GONE = "GONE"
"""State of a pool that is not imported any more: exported, destroyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A pool as it was seen.

    Attributes:
        name: of the pool.
        state: `ONLINE`, `DEGRADED`, `SUSPENDED`, …
        vdevs: state of every device, by GUID.
        names: name of every device, by GUID.
        scan: `scrub`, `resilver`, … while one runs; else empty.
    """

    name: str
    state: str
    vdevs: Mapping[str, str]
    names: Mapping[str, str]
    scan: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolChange:
    """A change that is told: the arguments of `PoolChanged`."""

    pool: str
    guid: str
    state: str
    cause: str


def seen(pools: Iterable[Pool]) -> dict[str, Seen]:
    """The pools, by GUID."""
    return {
        pool.guid: Seen(
            name=pool.name, state=pool.state.value,
            vdevs={each.guid: each.state.value for each in _all(pool.vdevs)},
            names={each.guid: each.path or each.name for each in _all(pool.vdevs)},
            scan=pool.scan.kind.value if pool.scan and pool.scan.is_running else "",
        )
        for pool in pools
    }  # fmt: skip


def _all(vdevs: Iterable[Vdev]) -> Iterator[Vdev]:
    for vdev in vdevs:
        yield vdev
        yield from _all(vdev.children)


def with_states(old: Mapping[str, Seen], glance: Mapping[str, str]) -> dict[str, Seen]:
    """What was seen, with the states that the kernel tells by name, while `zpool` does not answer."""
    return {guid: replace(was, state=glance.get(was.name, was.state)) for guid, was in old.items()}


def changes(old: Mapping[str, Seen], new: Mapping[str, Seen]) -> Iterator[PoolChange]:
    """What is different, one change for each pool."""
    for guid, now in new.items():
        was = old.get(guid)
        if was is None:
            yield PoolChange(pool=now.name, guid=guid, state=now.state, cause="the pool is here")
        elif causes := _causes(was, now):
            yield PoolChange(pool=now.name, guid=guid, state=now.state, cause="; ".join(causes))
    for guid, was in old.items():
        if guid not in new:
            yield PoolChange(pool=was.name, guid=guid, state=GONE, cause="the pool is not imported any more")


def _causes(was: Seen, now: Seen) -> list[str]:
    causes = [f"pool: {was.state} → {now.state}"] if was.state != now.state else []
    if was.scan != now.scan:
        causes += [f"{was.scan}: over"] if was.scan else []
        causes += [f"{now.scan}: begun"] if now.scan else []
    for guid, state in now.vdevs.items():
        before = was.vdevs.get(guid)
        if before is None:
            causes.append(f"{now.names[guid]}: new, {state}")
        elif before != state:
            causes.append(f"{now.names[guid]}: {before} → {state}")
    causes += [f"{was.names[guid]}: taken out" for guid in was.vdevs if guid not in now.vdevs]
    return causes
