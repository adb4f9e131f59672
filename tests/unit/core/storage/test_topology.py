"""Which disks make which groups, what is refused, and how much the pool would hold."""

from __future__ import annotations

import pytest
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.storage import topology
from sigmavault.core.storage.topology import RESERVED_BYTES, Group, Layout, Member, Topology
from sigmavault.core.values import GIB, MIB, TIB

S, M, Z1, Z2, Z3 = Layout.STRIPE, Layout.MIRROR, Layout.RAIDZ1, Layout.RAIDZ2, Layout.RAIDZ3


def disks(count: int, size: int = TIB, start: int = 1) -> tuple[Member, ...]:
    names = (f"d{number}" for number in range(start, start + count))
    return tuple(Member(name=name, path=f"/dev/disk/by-id/{name}", size_bytes=size) for name in names)


@pytest.mark.parametrize(
    ("layout", "count", "vdevs", "groups", "width"),
    [
        (S, 1, None, 1, 1), (S, 3, None, 3, 1), (M, 2, None, 1, 2), (M, 8, None, 1, 8), (M, 4, 2, 2, 2),
        (Z1, 3, None, 1, 3), (Z1, 15, None, 1, 15), (Z2, 4, None, 1, 4), (Z2, 12, 2, 2, 6),
        (Z3, 5, None, 1, 5), (Z3, 30, 2, 2, 15),
    ],
)  # fmt: skip
def test_disks_are_shared_out_in_order(
    layout: Layout, count: int, vdevs: int | None, groups: int, width: int
) -> None:
    made = topology.split(layout, disks(count), vdevs)
    assert [len(group.members) for group in made] == [width] * groups
    assert [member.name for group in made for member in group.members] == [
        f"d{n}" for n in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("layout", "count", "vdevs", "param"),
    [
        (M, 1, None, "disks"), (M, 9, None, "disks"), (Z1, 2, None, "disks"), (Z1, 16, None, "disks"),
        (Z2, 3, None, "disks"), (Z2, 16, None, "disks"), (Z3, 4, None, "disks"), (Z3, 16, None, "disks"),
        (M, 5, 2, "vdevs"), (M, 4, 3, "vdevs"), (Z1, 4, 2, "disks"), (S, 2, 1, "vdevs"), (M, 4, 65, "vdevs"),
        (M, 0, None, "disks"),
    ],
)  # fmt: skip
def test_groups_too_thin_too_wide_or_uneven_are_refused(
    layout: Layout, count: int, vdevs: int | None, param: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        topology.split(layout, disks(count), vdevs)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("layout", "count", "may_fail", "holds"),
    [(S, 1, 0, 1), (M, 2, 1, 1), (M, 3, 2, 1), (Z1, 3, 1, 2), (Z2, 6, 2, 4), (Z3, 5, 3, 2)],
)
def test_what_a_group_survives_and_holds(layout: Layout, count: int, may_fail: int, holds: int) -> None:
    group = Group(layout=layout, members=disks(count))
    assert (group.redundancy, group.usable_bytes) == (may_fail, holds * (TIB - RESERVED_BYTES))


def test_the_smallest_disk_counts() -> None:
    group = Group(layout=Z1, members=(*disks(2), *disks(1, 100 * GIB, start=3)))
    assert group.usable_bytes == 2 * (100 * GIB - RESERVED_BYTES)
    (said,) = topology.uneven((group,))
    assert "d3 has only 100 GiB" in said
    near = Group(layout=M, members=(*disks(1), *disks(1, TIB - 16 * MIB, start=2)))
    assert topology.uneven((near,)) == ()


def test_the_words_of_zpool_stand_in_its_order() -> None:
    asked = Topology(
        data=topology.split(M, disks(4), 2), special=(topology.mirrored(disks(2, start=5)),),
        log=topology.mirrored(disks(1, start=7)), cache=disks(1, start=8), spares=disks(2, start=9),
    )  # fmt: skip
    short = [word.removeprefix("/dev/disk/by-id/") for word in asked.words]
    assert " ".join(short) == ("mirror d1 d2 mirror d3 d4 special mirror d5 d6 log d7 cache d8 spare d9 d10")
    assert [member.name for member in asked.members] == [f"d{n}" for n in range(1, 11)]


@pytest.mark.parametrize(
    ("layout", "count", "special", "fits"),
    [
        (M, 2, 2, True),
        (M, 2, 1, False),
        (M, 3, 2, False),
        (Z2, 4, 2, False),
        (Z2, 4, 3, True),
        (S, 1, 1, True),
    ],
)
def test_special_disks_survive_as_much_as_the_data(
    layout: Layout, count: int, special: int, fits: bool
) -> None:
    asked = Topology(
        data=topology.split(layout, disks(count), None),
        special=(topology.mirrored(disks(special, start=20)),),
    )
    if fits:
        topology.check(asked)
        return
    with pytest.raises(InvalidRequestError) as caught:
        topology.check(asked)
    assert caught.value.param == "special"


def test_a_spare_is_as_large_as_the_smallest_disk() -> None:
    data = topology.split(M, (*disks(1), *disks(1, TIB // 2, start=2)), None)
    topology.check(Topology(data=data, spares=disks(1, TIB // 2, start=3)))
    with pytest.raises(InvalidRequestError) as caught:
        topology.check(Topology(data=data, spares=disks(1, TIB // 2 - 1, start=3)))
    assert caught.value.param == "spare"


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (Topology(data=topology.split(S, disks(2), None)), "no redundancy"),
        (Topology(data=topology.split(M, disks(5), None)), "costs much space"),
        (Topology(data=topology.split(Z1, disks(3, 8 * TIB), None)), "raidz2"),
        (
            Topology(data=topology.split(M, disks(2), None), log=topology.mirrored(disks(1, start=5))),
            "one disk",
        ),
    ],
)
def test_a_careful_person_says_so(asked: Topology, word: str) -> None:
    assert any(word in said for said in topology.warnings(asked))


def test_a_plain_mirror_needs_no_warning() -> None:
    assert topology.warnings(Topology(data=topology.split(M, disks(2), None))) == ()
