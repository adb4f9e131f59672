"""Pools and their vdevs as values (zpoolconcepts(7)). Pure. `pools_status` reads them from zpool status."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_PARTITION: Final = re.compile(r"-part[0-9]+$")
_BY_ID: Final = "/dev/disk/by-id/"


class PoolState(StrEnum):
    """Whether a pool can be used (zpoolconcepts(7))."""

    ONLINE = "ONLINE"
    DEGRADED = "DEGRADED"
    """All data is there, with less redundancy."""
    FAULTED = "FAULTED"
    OFFLINE = "OFFLINE"
    REMOVED = "REMOVED"
    UNAVAIL = "UNAVAIL"
    SUSPENDED = "SUSPENDED"
    """Too many disks are gone: reads and writes fail until they are back and `zpool clear` was run."""
    UNKNOWN = "UNKNOWN"
    """A word that ZFS 2.3 does not have."""

    @property
    def is_usable(self) -> bool:
        """Whether its data can be read and written."""
        return self in {PoolState.ONLINE, PoolState.DEGRADED}


class VdevState(StrEnum):
    """Whether a disk, or a group of them, works (zpoolconcepts(7))."""

    ONLINE = "ONLINE"
    DEGRADED = "DEGRADED"
    FAULTED = "FAULTED"
    OFFLINE = "OFFLINE"
    """Somebody took it out of use."""
    REMOVED = "REMOVED"
    """It was pulled while the pool was in use."""
    UNAVAIL = "UNAVAIL"
    """It could not be opened."""
    SPLIT = "SPLIT"
    AVAIL = "AVAIL"
    """A spare that waits."""
    INUSE = "INUSE"
    """A spare that stands in for a disk."""
    UNKNOWN = "UNKNOWN"

    @property
    def is_working(self) -> bool:
        """Whether it holds its part of the data; a degraded disk still does."""
        return self in {VdevState.ONLINE, VdevState.DEGRADED}


class VdevKind(StrEnum):
    """What a vdev is: one device, or a group."""

    DISK = "disk"
    FILE = "file"
    MIRROR = "mirror"
    RAIDZ1 = "raidz1"
    RAIDZ2 = "raidz2"
    RAIDZ3 = "raidz3"
    REPLACING = "replacing"
    """A disk and the one that takes its place, while the data is copied."""
    SPARE = "spare"
    """A disk and the spare that stands in for it."""
    HOLE = "hole"
    """What a removed log or data vdev leaves behind; it holds nothing."""
    INDIRECT = "indirect"
    """A vdev that was removed: its data was moved to others."""
    OTHER = "other"
    """A kind that we do not make (draid, …)."""

    @property
    def is_device(self) -> bool:
        """Whether it is one device."""
        return self in {VdevKind.DISK, VdevKind.FILE}


class Role(StrEnum):
    """What a top-level vdev is for."""

    DATA = "data"
    SPECIAL = "special"
    DEDUP = "dedup"
    LOG = "log"
    CACHE = "cache"
    SPARE = "spare"


class ScanKind(StrEnum):
    """Why a pool reads all of itself."""

    SCRUB = "scrub"
    RESILVER = "resilver"
    ERROR_SCRUB = "error-scrub"


class ScanState(StrEnum):
    """How far a scan is."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The last scrub or resilver of a pool, or the one that runs.

    Attributes:
        started: seconds since 1970.
        ended: seconds since 1970; 0 while it runs.
        total_bytes: what has to be read.
        done_bytes: what was read (ZFS: issued).
        pass_bytes: what was read since the pool was imported or the scrub was resumed.
        pass_started: when that was, seconds since 1970.
        paused_s: seconds of pauses since then.
        errors: what could not be repaired.
    """

    kind: ScanKind
    state: ScanState
    started: int
    ended: int
    total_bytes: int
    done_bytes: int
    pass_bytes: int
    pass_started: int
    paused_s: int
    errors: int

    @property
    def is_running(self) -> bool:
        """Whether it reads at this moment."""
        return self.state is ScanState.RUNNING

    @property
    def percent(self) -> float:
        """How far it is, 0 to 100."""
        if self.state is ScanState.FINISHED:
            return 100.0
        return min(100.0, 100.0 * self.done_bytes / self.total_bytes) if self.total_bytes else 0.0

    def rate(self, now: float) -> float:
        """Bytes a second since it began or was resumed; 0 when it does not run."""
        elapsed = max(1.0, now - self.pass_started - self.paused_s)
        return self.pass_bytes / elapsed if self.is_running else 0.0

    def seconds_left(self, now: float) -> float | None:
        """Seconds until it ends at the rate so far; None when nobody can tell yet."""
        rate = self.rate(now)
        return max(0, self.total_bytes - self.done_bytes) / rate if rate > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vdev:
    """A disk of a pool, or a group of them.

    Attributes:
        name: as zpool calls it: a path for a device, `mirror-0` for a group, the GUID for what is not found.
        guid: decimal.
        path: of a device: where it is, or was; empty for a group.
        size_bytes: of the device, or of its partition; 0 = not told.
        needed_bytes: what a device has to have to take its place; 0 = not told.
        aux: a word of ZFS about why it is not online: `SPARED`, `UNOPEN`, …
        is_rebuilt: a resilver writes, or wrote, to it; while one runs it does not hold all its data.
    """

    name: str
    guid: str
    kind: VdevKind
    role: Role
    state: VdevState
    path: str = ""
    size_bytes: int = 0
    needed_bytes: int = 0
    read_errors: int = 0
    write_errors: int = 0
    checksum_errors: int = 0
    slow_ios: int = 0
    aux: str = ""
    is_rebuilt: bool = False
    children: tuple[Vdev, ...] = ()

    @property
    def errors(self) -> int:
        """Reads, writes and checksums that failed."""
        return self.read_errors + self.write_errors + self.checksum_errors

    @property
    def disk(self) -> str:
        """Name of the whole disk in /dev/disk/by-id; empty for a group, or for another kind of path."""
        if not self.path.startswith(_BY_ID):
            return ""
        return _PARTITION.sub("", self.path.removeprefix(_BY_ID))

    def walk(self) -> Iterator[Vdev]:
        """It and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def leaves(self) -> Iterator[Vdev]:
        """The devices of it."""
        return (each for each in self.walk() if each.kind.is_device)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A pool that is imported.

    Attributes:
        guid: decimal.
        vdevs: top-level vdevs of every role, in ZFS's order.
        size_bytes: of all data vdevs, with parity and copies.
        allocated_bytes: of these, used.
        usable_bytes: what of the size is left for data, without parity and copies.
        data_errors: files and blocks with damage that could not be repaired.
        problem: what is wrong in ZFS's words; empty when nothing is.
        remedy: what ZFS advises; empty when there is nothing to do.
        message_id: ZFS's number of the problem, `ZFS-8000-2Q`; empty for none.
        scan: the last scrub or resilver; None when there never was one.
    """

    name: str
    guid: str
    state: PoolState
    vdevs: tuple[Vdev, ...]
    size_bytes: int = 0
    allocated_bytes: int = 0
    usable_bytes: int = 0
    data_errors: int = 0
    problem: str = ""
    remedy: str = ""
    message_id: str = ""
    scan: Scan | None = None

    def leaves(self) -> tuple[Vdev, ...]:
        """Every device once, spares too; one that stands in is told where it stands."""
        found: dict[str, Vdev] = {}
        for vdev in self.vdevs:
            for leaf in vdev.leaves():
                found.setdefault(leaf.guid, leaf)
        return tuple(found.values())

    def of_role(self, role: Role) -> tuple[Vdev, ...]:
        """Its top-level vdevs for one use, without what is left of removed ones."""
        gone = {VdevKind.HOLE, VdevKind.INDIRECT}
        return tuple(each for each in self.vdevs if each.role is role and each.kind not in gone)

    def parents(self) -> Mapping[str, Vdev]:
        """GUID of a vdev → the group that it is in; top-level vdevs have none."""
        groups = (group for top in self.vdevs for group in top.walk())
        return {child.guid: group for group in groups for child in group.children}

    @property
    def used_percent(self) -> float | None:
        """How full it is, 0 to 100; None when the pool does not tell."""
        return 100.0 * self.allocated_bytes / self.size_bytes if self.size_bytes else None
