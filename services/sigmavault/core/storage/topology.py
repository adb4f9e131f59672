"""How the disks of a pool are put together: what is asked, what is sensible, and how much it holds. Pure.

The widths are those of zpoolconcepts(7), narrowed where a wider or thinner group helps nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from types import MappingProxyType
from typing import Final

from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.storage.pools import VdevKind
from sigmavault.core.values import MIB, TIB, format_bytes

FUZZ_BYTES: Final = 16 * MIB
"""Disks that differ by no more count as equal (ZPOOL_FUZZ of zpool-create(8))."""
RESERVED_BYTES: Final = 10 * MIB
"""What ZFS's own partitioning of a whole disk leaves out: 1 MiB before, 8 MiB behind, and alignment."""
WIDE_MIRROR: Final = 4
LARGE_BYTES: Final = 4 * TIB
"""From here on a raidz1 is not advised."""
_MOST_VDEVS: Final = 64


class Layout(StrEnum):
    """How the disks of a group keep each other's data."""

    STRIPE = "stripe"
    """Not at all: the first disk that fails takes the pool with it."""
    MIRROR = "mirror"
    """Each disk has all of it."""
    RAIDZ1 = "raidz1"
    RAIDZ2 = "raidz2"
    RAIDZ3 = "raidz3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many disks a group may have."""

    least: int
    most: int


LIMITS: Final[Mapping[Layout, Limits]] = MappingProxyType({
    Layout.STRIPE: Limits(least=1, most=1),
    Layout.MIRROR: Limits(least=2, most=8),
    Layout.RAIDZ1: Limits(least=3, most=15),
    Layout.RAIDZ2: Limits(least=4, most=15),
    Layout.RAIDZ3: Limits(least=5, most=15),
})  # fmt: skip

_PARITY: Final = {Layout.RAIDZ1: 1, Layout.RAIDZ2: 2, Layout.RAIDZ3: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A disk that shall be part of a pool.

    Attributes:
        name: how people call it.
        path: what zpool is given.
        size_bytes: of the whole disk.
        is_rotational: whether it has platters.
    """

    name: str
    path: str
    size_bytes: int
    is_rotational: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A top-level vdev to be."""

    layout: Layout
    members: tuple[Member, ...]

    @property
    def redundancy(self) -> int:
        """How many of its disks may fail."""
        return redundancy(self.layout, len(self.members))

    @property
    def usable_bytes(self) -> int:
        """About what it holds: the smallest disk counts, parity and copies do not; labels are taken off."""
        smallest = min(member.size_bytes for member in self.members) - RESERVED_BYTES
        width = 1 if self.layout is Layout.MIRROR else len(self.members) - _PARITY.get(self.layout, 0)
        return max(0, smallest) * width

    @property
    def words(self) -> tuple[str, ...]:
        """It in the words of zpool-create(8)."""
        first = () if self.layout is Layout.STRIPE else (self.layout.value,)
        return (*first, *(member.path for member in self.members))


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Everything that a pool is made of.

    Attributes:
        data: its data vdevs, all of one kind and width.
        special: vdevs for metadata and small blocks; the pool is lost with them.
        log: one vdev for synchronous writes; None for none.
        cache: disks for a second read cache.
        spares: disks that wait.
    """

    data: tuple[Group, ...]
    special: tuple[Group, ...] = ()
    log: Group | None = None
    cache: tuple[Member, ...] = ()
    spares: tuple[Member, ...] = ()

    @property
    def redundancy(self) -> int:
        """How many disks may fail at worst."""
        return min((group.redundancy for group in (*self.data, *self.special)), default=0)

    @property
    def usable_bytes(self) -> int:
        """About what the pool holds."""
        return sum(group.usable_bytes for group in self.data)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every group of disks."""
        return (*self.data, *self.special, *((self.log,) if self.log else ()))

    @property
    def members(self) -> tuple[Member, ...]:
        """Every disk."""
        return (*chain.from_iterable(group.members for group in self.groups), *self.cache, *self.spares)

    @property
    def words(self) -> tuple[str, ...]:
        """It in the words of zpool-create(8) and zpool-add(8)."""
        parts: list[str] = [word for group in self.data for word in group.words]
        if self.special:
            parts += ["special", *(word for group in self.special for word in group.words)]
        if self.log:
            parts += ["log", *self.log.words]
        if self.cache:
            parts += ["cache", *(member.path for member in self.cache)]
        if self.spares:
            parts += ["spare", *(member.path for member in self.spares)]
        return tuple(parts)


def redundancy(layout: Layout, width: int) -> int:
    """How many disks of a group may fail."""
    return width - 1 if layout is Layout.MIRROR else _PARITY.get(layout, 0)


def layout_of(kind: VdevKind) -> Layout | None:
    """The layout of a vdev that is there; None for one that we do not make."""
    if kind.is_device:
        return Layout.STRIPE
    return Layout(kind.value) if kind.value in {each.value for each in Layout} else None


def split(layout: Layout, members: Sequence[Member], count: int | None) -> tuple[Group, ...]:
    """The disks in groups of one width.

    Args:
        layout: of each group.
        members: in the order in which they were named; a group takes those that stand together.
        count: how many groups; None: one, of a stripe one for each disk.

    Raises:
        InvalidRequestError: they cannot be shared out evenly, or a group would be too thin or too wide.
    """
    if layout is Layout.STRIPE:
        if count is not None and count != len(members):
            raise InvalidRequestError("a stripe has one group for each disk: leave it out", param="vdevs")
        count = len(members)
    count = 1 if count is None else count
    if count > _MOST_VDEVS:
        raise InvalidRequestError(f"at most {_MOST_VDEVS} groups at once", param="vdevs")
    if count < 1 or len(members) % count:
        many = f"{len(members)} disks cannot be shared out evenly among {count} groups"
        raise InvalidRequestError(f"{many}: all groups have the same width", param="vdevs")
    width = len(members) // count
    limits = LIMITS[layout]
    if not limits.least <= width <= limits.most:
        allowed = f"{limits.least} to {limits.most}" if limits.least < limits.most else str(limits.least)
        raise InvalidRequestError(
            f"a {layout} group has {allowed} disks, not {width}", param="disks", hint=_other(layout, width)
        )
    return tuple(
        Group(layout=layout, members=tuple(members[start : start + width]))
        for start in range(0, len(members), width)
    )


def _other(layout: Layout, width: int) -> str:
    if width > LIMITS[layout].most:
        return "make several groups with `vdevs`: they are rebuilt faster, too"
    fits = [each.value for each in Layout if LIMITS[each].least <= width <= LIMITS[each].most]
    return f"with this many disks: {', '.join(fits)}" if fits else ""


def mirrored(members: Sequence[Member]) -> Group:
    """One vdev of these disks: a mirror; a single disk stands alone."""
    layout = Layout.MIRROR if len(members) > 1 else Layout.STRIPE
    return Group(layout=layout, members=tuple(members))


# --- what a careful person would refuse, or say ---


def check(topology: Topology, *, at_least: int | None = None, smallest_bytes: int | None = None) -> None:
    """Refuse what does not go together.

    Args:
        topology: what is asked.
        at_least: disks that the data vdevs of the pool can lose, where they are there already.
        smallest_bytes: smallest data disk of the pool, where it is there already.

    Raises:
        InvalidRequestError: special vdevs with less redundancy than the data; a spare that is too small.
    """
    needed = at_least if at_least is not None else min(group.redundancy for group in topology.data)
    for group in topology.special:
        if group.redundancy < needed:
            raise InvalidRequestError(
                f"the pool is lost with its special disks, so they must survive as many failures as the "
                f"data: {needed}, which takes a mirror of {needed + 1}", param="special",
            )  # fmt: skip
    data = [member.size_bytes for group in topology.data for member in group.members]
    floor = smallest_bytes if smallest_bytes is not None else min(data, default=0)
    for spare in topology.spares:
        if spare.size_bytes < floor:
            raise InvalidRequestError(
                f"{spare.name} is smaller ({format_bytes(spare.size_bytes)}) than the smallest disk that it "
                f"could stand in for ({format_bytes(floor)})", param="spare",
            )  # fmt: skip


def uneven(groups: Iterable[Group]) -> tuple[str, ...]:
    """Groups whose disks differ in size, a sentence each: the smallest disk counts for all of its group."""
    found = []
    for group in groups:
        sizes = [member.size_bytes for member in group.members]
        if max(sizes) - min(sizes) > FUZZ_BYTES:
            small = min(group.members, key=lambda member: member.size_bytes)
            lost = sum(sizes) - len(sizes) * min(sizes)
            found.append(
                f"the disks of one {group.layout} group are not of one size: {small.name} has only "
                f"{format_bytes(small.size_bytes)}, and {format_bytes(lost)} of the others stay unused"
            )
    return tuple(found)


def warnings(topology: Topology) -> tuple[str, ...]:
    """What a careful person would say before, a sentence each."""
    found = []
    if topology.data and topology.redundancy == 0:
        found.append("there is no redundancy: the first disk that fails takes all data of the pool with it")
    if any(group.layout is Layout.MIRROR and len(group.members) > WIDE_MIRROR for group in topology.data):
        found.append(f"a mirror of more than {WIDE_MIRROR} disks costs much space for little")
    large = any(
        member.size_bytes >= LARGE_BYTES
        for group in topology.data if group.layout is Layout.RAIDZ1 for member in group.members
    )  # fmt: skip
    if large:
        found.append(
            "disks this large take long to rebuild, and a second one may fail meanwhile: rather raidz2"
        )
    if topology.log is not None and topology.log.redundancy == 0:
        found.append(
            "the log is on one disk: if it fails in the same moment as the power, writes are lost that were "
            "acknowledged"
        )
    if topology.log is not None:
        found.append("a log disk must have its own protection against power loss, or it is worth nothing")
    return tuple(found)
