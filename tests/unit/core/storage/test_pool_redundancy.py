"""How many more disks may fail, and what a person is told to do."""

from __future__ import annotations

import pytest
from sigmavault.core.storage.pools import Pool, PoolState, Role, Vdev, VdevKind, VdevState
from sigmavault.core.storage.pools_redundancy import advice, in_words, left_without, redundancy_left

from tests.unit.core.storage.pool_states import pool_of

ON, OFF, GONE = VdevState.ONLINE, VdevState.OFFLINE, VdevState.REMOVED


def leaf(number: int, state: VdevState = ON) -> Vdev:
    path = f"/dev/disk/by-id/d{number}-part1"
    return Vdev(name=path, path=path, guid=str(number), kind=VdevKind.DISK, role=Role.DATA, state=state)


def pool(kind: VdevKind, *states: VdevState, more: tuple[Vdev, ...] = ()) -> Pool:
    children = tuple(leaf(number, state) for number, state in enumerate(states, start=1))
    group = Vdev(name="x-0", guid="100", kind=kind, role=Role.DATA, state=ON, children=children)
    return Pool(name="tank", guid="1", state=PoolState.ONLINE, vdevs=(group, *more))


@pytest.mark.parametrize(
    ("found", "left"),
    [
        (pool(VdevKind.MIRROR, ON, ON), 1), (pool(VdevKind.MIRROR, ON, ON, ON), 2),
        (pool(VdevKind.MIRROR, ON, GONE), 0), (pool(VdevKind.RAIDZ1, ON, ON, ON), 1),
        (pool(VdevKind.RAIDZ1, ON, OFF, ON), 0), (pool(VdevKind.RAIDZ2, ON, ON, ON, GONE), 1),
        (pool(VdevKind.RAIDZ3, *[ON] * 5), 3), (pool(VdevKind.MIRROR, ON, ON, more=(leaf(9),)), 0),
        (pool(VdevKind.OTHER, ON, ON), None),
    ],
)  # fmt: skip
def test_how_many_more_disks_may_fail(found: Pool, left: int | None) -> None:
    assert redundancy_left(found) == left


@pytest.mark.parametrize(
    ("state", "name", "left"),
    [
        ("all_classes", "a", 1), ("all_classes", "b", 1),
        ("degraded_and_spare", "a", 1),  # the spare has all the data
        ("degraded_and_spare", "b", 0), ("resilvering", "b", 0), ("offline", "b", 0), ("suspended", "b", -1),
    ],
)  # fmt: skip
def test_redundancy_of_real_states(state: str, name: str, left: int) -> None:
    assert redundancy_left(pool_of(state, name)) == left


@pytest.mark.parametrize(
    ("state", "name", "disk", "after"),
    [
        ("all_classes", "a", "virtio-P01", 0), ("all_classes", "b", "virtio-P09", 0),
        ("degraded_and_spare", "b", "virtio-P09", -1), ("degraded_and_spare", "b", "virtio-P10", 0),
        ("degraded_and_spare", "a", "virtio-P01", 1), ("degraded_and_spare", "a", "virtio-P08", 0),
        ("resilvering", "b", "virtio-P12", 0), ("resilvering", "b", "virtio-P09", -1),
        ("all_classes", "a", "virtio-P05", 1), ("all_classes", "a", "virtio-P08", 1),
    ],
)  # fmt: skip
def test_what_is_left_without_a_disk(state: str, name: str, disk: str, after: int) -> None:
    found = pool_of(state, name)
    (member,) = [each for each in found.leaves() if each.disk == disk]
    assert left_without(found, member) == after


def test_nothing_has_to_be_done_when_all_is_well() -> None:
    assert advice(pool_of("all_classes", "a")) == ()
    assert in_words(pool_of("all_classes", "a")) == "1 more disk of any group may fail"


@pytest.mark.parametrize(
    ("state", "name", "words"),
    [
        ("suspended", "b", "sigmavault pool clear b"),
        ("resilvering", "b", "leave the others"),
        ("offline", "b", "sigmavault pool online b virtio-P09"),
        ("degraded_and_spare", "b", "sigmavault pool replace b virtio-P10"),
    ],
)
def test_what_to_do_is_said(state: str, name: str, words: str) -> None:
    assert any(words in sentence for sentence in advice(pool_of(state, name)))
