"""The file of one kept state: what it is of, the tokens, the state, and a checksum over all of it.

    magic · identity of model and engine · hash of the name · count of tokens · size of the state
    · tokens (32 bits, little endian) · state · SHA-256 of everything before

Written in parts beside its place and then renamed. There is no fsync: what a power cut tears fails its
checksum, is deleted, and is computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import sys
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SUFFIX = ".state"
PART = ".part"

_MAGIC = b"SVSTATE1"
_HEAD = struct.Struct("<8s32s32sIQ")
_DIGEST_BYTES = 32
_MOST_TOKENS = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a file says it holds.

    Attributes:
        identity: of model, engine and format: 32 bytes.
        key: hash of the name it is kept under: 32 bytes.
        tokens: what the state is of.
        state_bytes: size of the state.
    """

    identity: bytes
    key: bytes
    tokens: array[int]
    state_bytes: int

    @property
    def name(self) -> str:
        """The file's name: the same contents, the same name."""
        tokens = hashlib.sha256(_spell(self.tokens)).hexdigest()
        return f"{self.identity.hex()[:16]}-{self.key.hex()[:16]}-{tokens[:16]}{SUFFIX}"

    @property
    def bytes_(self) -> bytes:
        """The beginning of the file."""
        head = _HEAD.pack(_MAGIC, self.identity, self.key, len(self.tokens), self.state_bytes)
        return head + _spell(self.tokens)

    @property
    def file_bytes(self) -> int:
        """Size of the file."""
        return len(self.bytes_) + self.state_bytes + _DIGEST_BYTES


def _spell(tokens: array[int]) -> bytes:
    numbers = array("i", tokens)  # a copy
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def read_head(path: Path) -> Head | None:
    """What the file is of; None when it is no such file, or not of its size."""
    try:
        with path.open("rb") as file:
            head = _read_head(file)
            size = os.fstat(file.fileno()).st_size
    except OSError:
        return None
    return head if head and head.file_bytes == size else None


def _read_head(file: BinaryIO) -> Head | None:
    start = file.read(_HEAD.size)
    if len(start) != _HEAD.size:
        return None
    magic, identity, key, count, size = _HEAD.unpack(start)
    if magic != _MAGIC or count > _MOST_TOKENS:
        return None
    data = file.read(4 * count)
    if len(data) != 4 * count:
        return None
    numbers = array("i", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return Head(identity=identity, key=key, tokens=numbers, state_bytes=size)


def read_state(path: Path, expected: Head) -> bytearray | None:
    """The state in the file; None when it is damaged or not the expected one."""
    data = bytearray(expected.state_bytes)
    start = expected.bytes_
    try:
        with path.open("rb") as file:
            if file.read(len(start)) != start or file.readinto(data) != len(data):
                return None
            digest = file.read(_DIGEST_BYTES + 1)
    except OSError:
        return None
    checksum = hashlib.sha256(start)
    checksum.update(data)
    return data if checksum.digest() == digest else None


class Writing:
    """A file that is being written, a part at a time."""

    def __init__(self, folder: Path, head: Head, state: bytearray) -> None:
        """Begin.

        Raises:
            OSError: it cannot be.
        """
        self.place = folder / head.name
        self.head = head
        self._state = memoryview(state)
        self._at = 0
        self._part = self.place.with_suffix(PART)
        with contextlib.suppress(FileNotFoundError):
            self._part.unlink()
        self._file = os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        start = head.bytes_
        self._checksum = hashlib.sha256(start)
        self._put(memoryview(start))

    def step(self, size: int) -> bool:
        """Write so many bytes more; True when the file is complete and in its place.

        Raises:
            OSError: the disk is full, or the like; nothing is left behind.
        """
        part = self._state[self._at : self._at + size]
        self._checksum.update(part)
        self._put(part)
        self._at += len(part)
        if self._at < len(self._state):
            return False
        self._put(memoryview(self._checksum.digest()))
        os.close(self._file)
        self._part.replace(self.place)
        return True

    def _put(self, data: memoryview) -> None:
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:
            os.close(self._file)
            self._part.unlink(missing_ok=True)
            raise
