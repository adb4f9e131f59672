"""The grammar of GGUF: bytes to keys, values and places of tensors, within bounds.

What the keys mean is `gguf.py`'s. Reads forward, a mebibyte at a time; values that nobody needs (the
tokens of the vocabulary) are checked and passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sigmavault.core.errors import ModelRefusedError
from sigmavault.core.values import MIB

ALIGNMENT_KEY = "general.alignment"

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_CHUNK = MIB
_MAX_HEADER = 64 * MIB
_MAX_KEYS = 2048
_MAX_TENSORS = 1 << 16
_MAX_KEY = 1 << 10
_MAX_TENSOR_NAME = 63
_MAX_DIMENSIONS = 4
_MAX_TEXT = MIB
_MAX_TEXTS_KEPT = 8 * MIB
_MAX_STRINGS = 1 << 21
_MAX_LISTED = 512
"""An array of numbers that is no longer is kept: per-layer values. Longer ones are only counted."""

_SCALARS: Mapping[int, struct.Struct] = {
    number: struct.Struct("<" + code)
    for number, code in {
        0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"
    }.items()
}  # fmt: skip
_STRING, _ARRAY = 8, 9
_LENGTH = struct.Struct("<Q")
_NUMBER = struct.Struct("<I")


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorPlace:
    """One entry of the list of tensors.

    Attributes:
        name: which one.
        shape: its dimensions; the first is the length of a row.
        kind: ggml's number of its storage format, as the file has it.
        offset: where it begins, in bytes from where the tensors begin.
    """

    name: str
    shape: Sequence[int]
    kind: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """The header of a file, in its own terms.

    Attributes:
        version: of the format.
        values: scalars, texts and short arrays of numbers by key.
        counts: lengths of all arrays by key.
        tensors: in the order of the file.
        end: where the header ends, in bytes from the beginning of the file.
    """

    version: int
    values: Mapping[str, object]
    counts: Mapping[str, int]
    tensors: Sequence[TensorPlace]
    end: int


class Readable(Protocol):
    """A file opened for reading bytes, at its beginning."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


def scan(file: Readable, size: int) -> Scanned:
    """Read the header of a file of this size.

    Raises:
        ModelRefusedError: it breaks the grammar or a bound.
    """
    reader = _Reader(file, size)
    if reader.take(4) != _MAGIC:
        raise ModelRefusedError("it is no GGUF file")
    if (version := reader.number()) not in _VERSIONS:
        raise ModelRefusedError(f"GGUF version {version} is not supported")
    tensors = reader.count("tensors", _MAX_TENSORS)
    keys = reader.count("keys", _MAX_KEYS)
    values: dict[str, object] = {}
    counts: dict[str, int] = {}
    for _ in range(keys):
        _read_entry(reader, values, counts)
    places: dict[str, TensorPlace] = {}
    for _ in range(tensors):
        place = _read_tensor(reader)
        if place.name in places:
            raise ModelRefusedError(f"tensor {shown(place.name)} is there twice")
        places[place.name] = place
    return Scanned(
        version=version, values=values, counts=counts, tensors=tuple(places.values()), end=reader.position
    )


def shown(text: str) -> str:
    """A name out of a file, safe in a log line and on a terminal."""
    return ascii(text if len(text) <= _MAX_TENSOR_NAME else text[:_MAX_TENSOR_NAME] + "…")


class _Reader:
    """Hands out the bytes of a file from its beginning on, and counts them."""

    def __init__(self, file: Readable, size: int) -> None:
        self._file = file
        self._size = size
        self._bound = min(size, _MAX_HEADER)
        self._buffer = b""
        self._at = 0
        self._before = 0
        self._strings = 0
        self._kept = 0

    @property
    def position(self) -> int:
        return self._before + self._at

    def take(self, size: int) -> bytes:
        """The next bytes. Callers ask for a bounded size only."""
        end = self._at + size
        if end > len(self._buffer):
            self._fill(size)
            end = size
        taken = self._buffer[self._at : end]
        self._at = end
        return taken

    def _fill(self, size: int) -> None:
        self._need(size)
        rest = self._buffer[self._at :]
        self._before += self._at
        self._at = 0
        parts = [rest]
        have = len(rest)
        while have < size:
            try:
                part = self._file.read(max(_CHUNK, size - have))
            except OSError as error:
                raise ModelRefusedError(f"it cannot be read: {error.strerror}") from error
            if not part:
                raise ModelRefusedError(f"it ends in its header, after {self._before + have} bytes")
            parts.append(part)
            have += len(part)
        self._buffer = b"".join(parts)

    def _need(self, size: int) -> None:
        """Refuse what cannot be in the file before anything is made ready for it."""
        if self.position + size <= self._bound:
            return
        if self._bound < self._size:
            raise ModelRefusedError(f"its header has more than {_MAX_HEADER // MIB} MiB")
        raise ModelRefusedError(f"it ends in its header, after {self._size} bytes")

    def skip(self, size: int) -> None:
        """Pass over bytes."""
        self._need(size)
        while size:
            step = min(size, _CHUNK)
            self.take(step)
            size -= step

    def number(self) -> int:
        value: int = _NUMBER.unpack(self.take(4))[0]
        return value

    def length(self) -> int:
        value: int = _LENGTH.unpack(self.take(8))[0]
        return value

    def count(self, what: str, most: int) -> int:
        if (count := self.length()) > most:
            raise ModelRefusedError(f"it claims {count} {what}; {most} are allowed")
        return count

    def name(self, what: str, most: int) -> str:
        """A text that others refer to."""
        length = self.count(f"bytes of {what}", most)
        if length == 0:
            raise ModelRefusedError(f"{what} is empty")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError as error:
            raise ModelRefusedError(f"{what} is no UTF-8 text") from error

    def text(self, key: str) -> str:
        """A text that somebody may read."""
        length = self.count(f"bytes of {shown(key)}", _MAX_TEXT)
        self._kept += length
        if self._kept > _MAX_TEXTS_KEPT:
            raise ModelRefusedError(f"it holds more than {_MAX_TEXTS_KEPT // MIB} MiB of text")
        return self.take(length).decode(errors="replace")

    def skip_texts(self, count: int) -> None:
        """Pass over the texts of an array."""
        self._strings += count
        if self._strings > _MAX_STRINGS:
            raise ModelRefusedError(f"it claims {self._strings} texts; {_MAX_STRINGS} are allowed")
        self._need(count * _LENGTH.size)
        unpack = _LENGTH.unpack_from
        while count:
            buffer, at = self._buffer, self._at
            last = len(buffer) - _LENGTH.size
            while count and at <= last:
                end = at + _LENGTH.size + unpack(buffer, at)[0]
                if end > len(buffer):
                    break
                at = end
                count -= 1
            self._at = at
            if count:  # this one goes beyond the buffer
                self.skip(self.count("bytes of text", _MAX_TEXT))
                count -= 1


def _read_entry(reader: _Reader, values: dict[str, object], counts: dict[str, int]) -> None:
    key = reader.name("a key", _MAX_KEY)
    if key in values or key in counts:
        raise ModelRefusedError(f"key {shown(key)} is there twice")
    kind = reader.number()
    if kind == _STRING:
        values[key] = reader.text(key)
    elif kind == _ARRAY:
        _read_array(reader, key, values, counts)
    else:
        scalar = _scalar(kind, key)
        values[key] = scalar.unpack(reader.take(scalar.size))[0]


def _scalar(kind: int, key: str) -> struct.Struct:
    if (scalar := _SCALARS.get(kind)) is None:
        raise ModelRefusedError(f"key {shown(key)} is of type {kind}, which there is not")
    return scalar


def _read_array(reader: _Reader, key: str, values: dict[str, object], counts: dict[str, int]) -> None:
    kind = reader.number()
    counts[key] = count = reader.count(f"elements of {shown(key)}", _MAX_HEADER)
    if kind == _STRING:
        reader.skip_texts(count)
        return
    if kind == _ARRAY:
        raise ModelRefusedError(f"key {shown(key)} is an array of arrays")
    scalar = _scalar(kind, key)
    if count > _MAX_LISTED:
        reader.skip(count * scalar.size)
        return
    data = reader.take(count * scalar.size)
    values[key] = tuple(each[0] for each in scalar.iter_unpack(data))


def _read_tensor(reader: _Reader) -> TensorPlace:
    name = reader.name("a tensor's name", _MAX_TENSOR_NAME)
    dimensions = reader.number()
    if not 1 <= dimensions <= _MAX_DIMENSIONS:
        raise ModelRefusedError(f"tensor {shown(name)} has {dimensions} dimensions")
    shape = tuple(reader.length() for _ in range(dimensions))
    if 0 in shape:
        raise ModelRefusedError(f"tensor {shown(name)} is empty")
    return TensorPlace(name=name, shape=shape, kind=reader.number(), offset=reader.length())
