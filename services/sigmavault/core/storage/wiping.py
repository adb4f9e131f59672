"""What of a disk is overwritten to make it blank. Pure.

A quick wipe overwrites the first and the last 32 MiB of the disk and of each of its partitions. Everything
that libblkid and ZFS know a disk by lies there: partition tables and their copy at the end, superblocks,
the four labels of a ZFS device, RAID metadata. The partitions have ends of their own, because a disk that
is partitioned the same way again would bring back what was left in them. So `zpool labelclear` is not used:
it needs `-f` for exactly the disks that are wiped, and leaves everything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sigmavault.core.operation import Step
from sigmavault.core.storage.disks import Disk
from sigmavault.core.values import MIB, format_bytes

END_BYTES: Final = 32 * MIB
_ERASE_TIMEOUT_S: Final = 120.0
_SETTLE_TIMEOUT_S: Final = 60.0
SETTLE: Final = ("udevadm", "settle", "--timeout=30")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A part of a disk: from a byte on, so many bytes; both whole sectors."""

    start: int
    length: int

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.start + self.length


def erase(disk: Disk) -> tuple[str, ...]:
    """The command that removes every signature libblkid knows, wherever it lies. It refuses a disk in use."""
    return ("wipefs", "--all", "--", disk.by_id)


def steps(disk: Disk, *, is_full: bool) -> tuple[Step, ...]:
    """What is done, for people; a step without a command is done by the daemon itself."""
    ends = f"the first and last {format_bytes(END_BYTES)} of {disk.called} and of its partitions"
    full = (Step(text=f"Write zeroes over all of {disk.called}, {format_bytes(disk.size_bytes)}"),)
    return (
        Step(text=f"Remove all signatures from {disk.called}", argv=erase(disk), timeout_s=_ERASE_TIMEOUT_S),
        Step(text=f"Write zeroes over {ends}"),
        *(full if is_full else ()),
        Step(text="Wait until everybody has seen the blank disk", argv=SETTLE, timeout_s=_SETTLE_TIMEOUT_S),
        Step(text=f"Read {disk.called} again: nothing must be found on it"),
    )


def ends(disk: Disk) -> tuple[Span, ...]:
    """What a quick wipe overwrites, in order and without overlaps."""
    wholes = [Span(0, disk.size_bytes)]
    wholes += [Span(part.start_bytes, part.size_bytes) for part in disk.partitions]
    parts = []
    for whole in wholes:
        length = min(END_BYTES, whole.length)
        parts += [Span(whole.start, length), Span(whole.end - length, length)]
    return _merged(parts, disk)


def everything(disk: Disk) -> tuple[Span, ...]:
    """What a full wipe overwrites."""
    return (Span(0, disk.size_bytes),)


def pieces(spans: Iterable[Span], length: int) -> Iterable[Span]:
    """The spans, cut into pieces of at most so many bytes."""
    for span in spans:
        for start in range(span.start, span.end, length):
            yield Span(start, min(length, span.end - start))


def _merged(parts: Iterable[Span], disk: Disk) -> tuple[Span, ...]:
    """Whole sectors, inside the disk, in order, each byte once."""
    sector = disk.sector_bytes
    found: list[Span] = []
    for part in sorted(parts):
        start = part.start // sector * sector
        end = min(-(-part.end // sector) * sector, disk.size_bytes)
        if found and start <= found[-1].end:
            first = found.pop()
            start, end = first.start, max(first.end, end)
        if end > start:
            found.append(Span(start, end - start))
    return tuple(found)
