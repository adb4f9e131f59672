"""What a wipe overwrites: the ends of the disk and of its partitions, and nothing beside the disk."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.storage.disks import Disk, Node
from sigmavault.core.storage.wiping import END_BYTES, Span, ends, everything, pieces, steps
from sigmavault.core.values import GIB, MIB

SECTOR = 512


def disk(size: int, *parts: tuple[int, int], sector: int = SECTOR) -> Disk:
    nodes = tuple(
        Node(kernel_name=f"sdb{number}", path=f"/dev/sdb{number}", start_bytes=start, size_bytes=length)
        for number, (start, length) in enumerate(parts, start=1)
    )
    node = Node(kernel_name="sdb", path="/dev/sdb", type="disk", size_bytes=size, children=nodes)
    return Disk(name="ata-B", path="/dev/sdb", node=node, size_bytes=size, sector_bytes=sector)


def covers(spans: tuple[Span, ...], start: int, end: int) -> bool:
    return any(span.start <= start and end <= span.end for span in spans)


def test_both_ends_of_a_disk() -> None:
    assert ends(disk(4 * GIB)) == (Span(0, END_BYTES), Span(4 * GIB - END_BYTES, END_BYTES))


def test_the_ends_of_partitions_too() -> None:
    found = ends(disk(4 * GIB, (MIB, GIB), (GIB + MIB, GIB)))
    assert covers(found, GIB + MIB - END_BYTES, GIB + MIB + END_BYTES)
    assert covers(found, 2 * GIB + MIB - END_BYTES, 2 * GIB + MIB)
    assert covers(found, 0, MIB + END_BYTES)


def test_a_small_disk_is_overwritten_as_a_whole() -> None:
    assert ends(disk(40 * MIB)) == (Span(0, 40 * MIB),)


sizes = st.integers(1, 2**24).map(lambda count: count * 4096)


@given(
    sizes,
    st.lists(st.tuples(st.integers(0, 2**36), st.integers(0, 2**36)), max_size=6),
    st.sampled_from([512, 4096]),
)
def test_spans_lie_inside_the_disk_in_order_in_whole_sectors(
    size: int, parts: list[tuple[int, int]], sector: int
) -> None:
    found = ends(disk(size, *parts, sector=sector))
    assert all(span.length > 0 for span in found)
    assert all(span.start % sector == 0 and span.length % sector == 0 for span in found)
    assert all(first.end < second.start for first, second in pairwise(found))
    assert found[-1].end <= size
    assert covers(found, 0, min(END_BYTES, size))
    assert covers(found, max(0, size - END_BYTES), size)
    for start, length in parts:
        end = min(start + length, size)
        if start < end:
            assert covers(found, start, min(start + END_BYTES, end))


@given(sizes, st.integers(1, 2**20).map(lambda count: count * SECTOR))
def test_pieces_are_all_of_it_once(size: int, length: int) -> None:
    size = min(size, 1000 * length)
    cut = list(pieces(everything(disk(size)), length))
    assert [piece.start for piece in cut] == list(range(0, size, length))
    assert sum(piece.length for piece in cut) == size
    assert max(piece.length for piece in cut) <= length


def test_the_steps_name_the_disk_by_its_lasting_name() -> None:
    for is_full in (False, True):
        found = steps(disk(GIB), is_full=is_full)
        commands = [step.argv for step in found if step.argv]
        assert commands[0] == ("wipefs", "--all", "--", "/dev/disk/by-id/ata-B")
        assert not any("/dev/sdb" in word for argv in commands for word in argv)
        assert any("over all of ata-B" in step.text for step in found) is is_full
