"""Writes GGUF files, right ones and wrong ones: nothing is checked here.

The format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

MAGIC = b"GGUF"
VERSION = 3
ALIGNMENT = 32

U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10
_PACKED = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?", U64: "<Q"}


def packed_string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def packed_array(kind: int, items: Sequence[int | float | str]) -> bytes:
    """The value of an array, from its element type on."""
    if kind == STRING:
        body = b"".join(packed_string(str(each)) for each in items)
    else:
        body = b"".join(struct.pack(_PACKED[kind], each) for each in items)
    return struct.pack("<IQ", kind, len(items)) + body


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of the metadata; `body` is its value as it lies in the file."""

    key: str
    kind: int
    body: bytes

    @classmethod
    def of(cls, key: str, value: bool | int | float | str) -> Self:
        match value:
            case bool():
                return cls(key, BOOL, struct.pack("<?", value))
            case int():
                return cls(key, U32, struct.pack("<I", value))
            case float():
                return cls(key, F32, struct.pack("<f", value))
            case _:
                return cls(key, STRING, packed_string(value))

    @classmethod
    def array(cls, key: str, kind: int, items: Sequence[int | float | str]) -> Self:
        return cls(key, ARRAY, packed_array(kind, items))

    def packed(self) -> bytes:
        return packed_string(self.key) + struct.pack("<I", self.kind) + self.body


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor as it lies in the file; `shape` begins with the length of a row."""

    name: str
    shape: tuple[int, ...]
    kind: int
    data: bytes

    def packed(self, offset: int) -> bytes:
        shape = struct.pack(f"<I{len(self.shape)}Q", len(self.shape), *self.shape)
        return packed_string(self.name) + shape + struct.pack("<IQ", self.kind, offset)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def build(entries: Iterable[Entry], tensors: Iterable[StoredTensor], *, version: int = VERSION) -> bytes:
    """A whole file."""
    entries, tensors = list(entries), list(tensors)
    head = [MAGIC, struct.pack("<IQQ", version, len(tensors), len(entries))]
    head += [each.packed() for each in entries]
    offset = 0
    for each in tensors:
        head.append(each.packed(offset))
        offset += len(padded(each.data))
    return padded(b"".join(head)) + b"".join(padded(each.data) for each in tensors)
