"""Writes zeroes over parts of a disk.

We do it ourselves and start no program, because the one who writes must know on what: the disk is opened
once, exclusively (open(2), O_EXCL: the kernel refuses while anything uses it, and lets nothing else begin
to), its identity is checked for this very descriptor, and nothing is opened again. A program given a name
would open what the name leads to at that moment, for each piece anew. The kernel writes (BLKZEROOUT), so
that a disk that can zero by itself is told to, and the page cache stays out of it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Machine
from sigmavault.core.storage.disks import Disk
from sigmavault.core.storage.wiping import Span, pieces
from sigmavault.core.values import MIB
from sigmavault.system import disks

PIECE_BYTES: Final = 128 * MIB
"""A slow disk writes this in about a second: so long may a person who cancels have to wait."""

# linux/fs.h
_BLKZEROOUT: Final = 0x127F
_BLKRRPART: Final = 0x125F
_BLKGETDISKSEQ: Final = 0x80081280
_REREAD_S: Final = 5.0
_REREAD_PAUSE_S: Final = 0.25


def write(machine: Machine, disk: Disk, spans: Sequence[Span], tell: Callable[[float], None]) -> None:
    """Overwrite parts of a disk. On a simulated machine nothing is written.

    Args:
        machine: where the disk is.
        disk: as it was looked at; it must still be the same.
        spans: whole sectors.
        tell: hears how far it is, 0 to 1, after each piece; may raise to stop.

    Raises:
        OperationError: the disk is in use, is another one by now, or fails.
    """
    if machine.is_simulated:
        return
    total = sum(span.length for span in spans) or 1
    done = 0
    with _opened(machine, disk, os.O_RDWR | os.O_EXCL) as descriptor:
        for piece in pieces(spans, PIECE_BYTES):
            _zero(descriptor, disk, piece)
            done += piece.length
            tell(done / total)
        os.fsync(descriptor)
        _reread_partitions(descriptor, disk)


def is_zero(machine: Machine, disk: Disk, spans: Sequence[Span]) -> bool:
    """Whether nothing but zeroes stands there. Reads the disk.

    Raises:
        OperationError: it cannot be read.
    """
    with _opened(machine, disk, os.O_RDONLY) as descriptor:
        # what the page cache still holds may be older than what is on the disk
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return all(_holds_zeroes(descriptor, disk, piece) for piece in pieces(spans, MIB))


@contextmanager
def _opened(machine: Machine, disk: Disk, flags: int) -> Iterator[int]:
    if not disk.name:
        raise OperationError(f"{disk.called} has no lasting name in /dev/disk/by-id")
    path = machine.root / disk.by_id.removeprefix("/")
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC)
    except OSError as error:
        raise OperationError(f"{disk.called} cannot be opened: {os.strerror(error.errno or 0)}") from error
    try:
        _check(machine, disk, descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def _check(machine: Machine, disk: Disk, descriptor: int) -> None:
    """That the open disk is the one looked at: by its number since boot, and by what bears its name now."""
    if not stat.S_ISBLK(os.fstat(descriptor).st_mode):
        raise OperationError(f"{disk.called} is not a block device")
    (sequence,) = struct.unpack("Q", fcntl.ioctl(descriptor, _BLKGETDISKSEQ, bytes(8)))
    now = disks.resolve(machine, disk.name, disks.disks(machine, pools=()))
    looked_at = (disk.sequence, disk.serial, disk.wwn, disk.size_bytes)
    if sequence != disk.sequence or (now.sequence, now.serial, now.wwn, now.size_bytes) != looked_at:
        raise OperationError(f"{disk.called} is not the disk that was looked at", hint="look again")


def _zero(descriptor: int, disk: Disk, piece: Span) -> None:
    try:
        fcntl.ioctl(descriptor, _BLKZEROOUT, struct.pack("QQ", piece.start, piece.length))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise OperationError(f"{disk.called} cannot be written at byte {piece.start}: {reason}") from error


def _reread_partitions(descriptor: int, disk: Disk) -> None:
    """Let the kernel forget the partitions; whoever just looks at one of them is waited for."""
    deadline = time.monotonic() + _REREAD_S
    while True:
        try:
            fcntl.ioctl(descriptor, _BLKRRPART)
        except OSError as error:
            if error.errno == errno.EINVAL:
                return  # a device that has no partitions
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                reason = os.strerror(error.errno or 0)
                message = f"the kernel keeps the old partitions of {disk.called}: {reason}"
                raise OperationError(message) from error
            time.sleep(_REREAD_PAUSE_S)
        else:
            return


def _holds_zeroes(descriptor: int, disk: Disk, piece: Span) -> bool:
    try:
        data = os.pread(descriptor, piece.length, piece.start)
    except OSError as error:
        raise OperationError(f"{disk.called} cannot be read: {os.strerror(error.errno or 0)}") from error
    return len(data) == piece.length and not int.from_bytes(data, sys.byteorder)
