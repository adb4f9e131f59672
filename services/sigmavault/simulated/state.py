"""The state of a simulated machine: it changes as commands say, and is lost when the machine ends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from sigmavault.simulated.description import (
    Description,
    Partition,
    SimulatedDataset,
    SimulatedDisk,
    SimulatedPool,
    SimulatedVdev,
)

_ROOM_FOR_LABELS = 9 * 1024 * 1024
_LONGEST_NAME = 15
"""Of a machine, as `machine.set-hostname` takes it (NetBIOS)."""


def guid_of(*words: str) -> int:
    """A GUID that is the same on each start: 63 bits of a hash."""
    return int.from_bytes(hashlib.sha256("\0".join(words).encode()).digest()[:8]) >> 1


@dataclass(kw_only=True)
class Disk:
    """A disk and what lies on it; `label` is the pool of a ZFS label, imported or not."""

    described: SimulatedDisk
    kname: str
    partitions: list[Partition]
    label: str = ""

    @property
    def name(self) -> str:
        return self.described.name


@dataclass(kw_only=True)
class Vdev:
    """A vdev with its children; a leaf has the name of its disk."""

    kind: str
    guid: int
    disk: str = ""
    state: str = "ONLINE"
    children: list[Vdev] = field(default_factory=list)

    def leaves(self) -> Iterator[Vdev]:
        """The disks below it."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


@dataclass(kw_only=True)
class Snapshot:
    """A snapshot of a dataset."""

    tag: str
    guid: int
    created_at: int
    holds: set[str] = field(default_factory=set)


@dataclass(kw_only=True)
class Dataset:
    """A filesystem; `properties` are those that were set on it."""

    name: str
    guid: int
    used_bytes: int = 0
    mounted: bool = True
    encrypted: bool = False
    key_loaded: bool = True
    properties: dict[str, str] = field(default_factory=dict)
    snapshots: list[Snapshot] = field(default_factory=list)


@dataclass(kw_only=True)
class Account:
    """A user or a group.

    Attributes:
        number: uid or gid.
        login: of a user, whether Samba lets it in; None for no login at all.
        has_password: of a user, whether it has one for the console.
        shell: of a user; empty for none.
        home: of a user; empty for none.
        full_name: of a user.
        members: of a group.
    """

    number: int
    login: bool | None = None
    has_password: bool = False
    shell: str = ""
    home: str = ""
    full_name: str = ""
    members: set[str] = field(default_factory=set)


@dataclass(kw_only=True)
class Pool:
    """A pool; the classes of vdevs as zpoolconcepts(7) has them."""

    name: str
    guid: int
    imported: bool
    data: list[Vdev]
    log: list[Vdev] = field(default_factory=list)
    cache: list[Vdev] = field(default_factory=list)
    special: list[Vdev] = field(default_factory=list)
    spares: list[Vdev] = field(default_factory=list)
    datasets: dict[str, Dataset] = field(default_factory=dict)
    used_bytes: int = 0
    scan: str = "none"
    """`none`, or `scrub`: one that is running."""

    def vdevs(self) -> Iterator[Vdev]:
        """Top-level vdevs of all classes."""
        for each in (self.data, self.log, self.special, self.cache, self.spares):
            yield from each

    def leaves(self) -> Iterator[Vdev]:
        """Every disk of the pool."""
        for vdev in self.vdevs():
            yield from vdev.leaves()

    @property
    def state(self) -> str:
        """As zpool(8) would tell it: the worst of its top-level vdevs."""
        states = [vdev_state(vdev) for vdev in (*self.data, *self.special)]
        return next((each for each in ("FAULTED", "DEGRADED") if each in states), "ONLINE")


_TOLERANCE = {"disk": 0, "raidz1": 1, "raidz2": 2, "raidz3": 3}


def vdev_state(vdev: Vdev) -> str:
    """The state of a vdev, from its disks."""
    leaves = list(vdev.leaves())
    lost = sum(leaf.state not in {"ONLINE", "DEGRADED"} for leaf in leaves)
    if not vdev.children:
        return vdev.state
    allowed = len(leaves) - 1 if vdev.kind == "mirror" else _TOLERANCE[vdev.kind]
    return "ONLINE" if not lost else "DEGRADED" if lost <= allowed else "FAULTED"


@dataclass(kw_only=True)
class State:
    """All of the machine."""

    description: Description
    disks: dict[str, Disk]
    pools: dict[str, Pool]
    scheduled: tuple[str, int] | None = None
    """A planned `reboot` or `poweroff`, and when: microseconds since 1970."""
    restarts: dict[str, int] = field(default_factory=dict)
    """How often each unit was restarted."""
    host_name: str = ""
    time_zone: str = "UTC"
    administrators: set[str] = field(default_factory=set)
    users: dict[str, Account] = field(default_factory=dict)
    groups: dict[str, Account] = field(default_factory=dict)

    def disk_at(self, path: str) -> Disk | None:
        """The disk of a path: /dev/sdb, /dev/disk/by-id/NAME, or one of its partitions."""
        word = path.rsplit("/", 1)[-1]
        for disk in self.disks.values():
            if word in {disk.kname, disk.name} or word.startswith((f"{disk.name}-part", f"{disk.kname}p")):
                return disk
            if word.startswith(disk.kname) and word.removeprefix(disk.kname).isdigit():
                return disk
        return None

    def dataset(self, name: str) -> Dataset | None:
        """A dataset of an imported pool."""
        pool = self.pools.get(name.partition("/")[0])
        return pool.datasets.get(name) if pool is not None and pool.imported else None

    def imported(self) -> list[Pool]:
        """The pools that are imported."""
        return [pool for pool in self.pools.values() if pool.imported]


def state_of(description: Description, now: float) -> State:
    """A machine as it is described, just switched on."""
    disks = {}
    counts = {"sd": 0, "nvme": 0, "vd": 0}
    for each in description.disks:
        disks[each.name] = Disk(described=each, kname=_kname(each, counts), partitions=list(each.partitions))
    name = f"simulated-{description.name}"[:_LONGEST_NAME].rstrip("-")
    state = State(description=description, disks=disks, pools={}, host_name=name)
    for pool in description.pools:
        state.pools[pool.name] = _pool(pool, int(now))
        for leaf in state.pools[pool.name].leaves():
            disks[leaf.disk].label = pool.name
    return state


def _kname(disk: SimulatedDisk, counts: dict[str, int]) -> str:
    kind = {"nvme": "nvme", "virtio": "vd"}.get(disk.transport, "sd")
    number = counts[kind]
    counts[kind] += 1
    if kind == "nvme":
        return f"nvme{number}n1"
    letters = ""
    while number >= 0:  # sda … sdz, sdaa …
        letters = chr(ord("a") + number % 26) + letters
        number = number // 26 - 1
    return kind + letters


def leaf(pool: str, disk: str, state: str = "ONLINE") -> Vdev:
    """A disk as a member of a pool."""
    return Vdev(kind="disk", guid=guid_of(pool, disk), disk=disk, state=state)


def _vdev(pool: str, described: SimulatedVdev) -> Vdev:
    leaves = [leaf(pool, disk, described.states.get(disk, "ONLINE")) for disk in described.disks]
    if described.kind == "disk":
        return leaves[0]
    return Vdev(kind=described.kind, guid=guid_of(pool, *described.disks), children=leaves)


def _pool(described: SimulatedPool, now: int) -> Pool:
    name = described.name
    pool = Pool(
        name=name, guid=guid_of(name), imported=described.imported, used_bytes=described.used_bytes,
        data=[_vdev(name, each) for each in described.data],
        log=[_vdev(name, each) for each in described.log],
        special=[_vdev(name, each) for each in described.special],
        cache=[leaf(name, disk) for disk in described.cache],
        spares=[leaf(name, disk) for disk in described.spares],
    )  # fmt: skip
    pool.datasets[name] = Dataset(name=name, guid=guid_of("dataset", name), used_bytes=described.used_bytes)
    for each in described.datasets:
        pool.datasets[each.name] = _dataset(each, now)
    return pool


def _dataset(described: SimulatedDataset, now: int) -> Dataset:
    name, count = described.name, len(described.snapshots)
    quota = {"quota": str(described.quota_bytes)} if described.quota_bytes else {}
    return Dataset(
        name=name, guid=guid_of("dataset", name), used_bytes=described.used_bytes,
        mounted=described.key_loaded, encrypted=described.encrypted, key_loaded=described.key_loaded,
        properties=dict(described.properties) | quota,
        snapshots=[
            Snapshot(tag=tag, guid=guid_of(name, tag), created_at=now - 86400 * (count - number))
            for number, tag in enumerate(described.snapshots)
        ],
    )  # fmt: skip


def capacity(pool: Pool, disks: dict[str, Disk]) -> int:
    """Bytes that the data vdevs hold, redundancy taken off: near enough for a show."""
    return sum(_usable(vdev, disks) for vdev in pool.data)


def _usable(vdev: Vdev, disks: dict[str, Disk]) -> int:
    sizes = [disks[leaf.disk].described.size_bytes - _ROOM_FOR_LABELS for leaf in vdev.leaves()]
    if vdev.kind == "mirror":
        return min(sizes)
    return min(sizes) * (len(sizes) - _TOLERANCE.get(vdev.kind, 0))
