"""What a GGUF file says about itself, read as the untrusted input it is.

Reads the header only: the metadata and the list of tensors. Every count, length and offset is held
against a bound before it is believed, so a hostile file costs little memory and time here and does not
reach native code at all. What passes may still be refused by llama.cpp, in the model's own process.

The format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. The rules are at least as strict
as those of llama.cpp's `gguf.cpp`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sigmavault.core.errors import ModelRefusedError
from sigmavault.core.gguf_scan import ALIGNMENT_KEY, Readable, Scanned, TensorPlace, scan, shown
from sigmavault.core.gguf_types import FILE_TYPES, REFUSED_TYPES, TENSOR_TYPES
from sigmavault.core.values import KIB, MIB

_MAX_ALIGNMENT = MIB
_MAX_BLOCKS = 512
_MAX_EXPERTS = 1024
_MAX_WIDTH = 1 << 20
_MAX_NAME = 200
_MAX_TEMPLATE = 256 * KIB
_HALF = 2
_GUESSED = 1024
"""llama.cpp's own mark of a file type that the file does not state."""


class Pooling(StrEnum):
    """How an embedding model makes one vector of many."""

    NONE = "none"
    MEAN = "mean"
    CLS = "cls"
    LAST = "last"
    RANK = "rank"


_POOLINGS = {0: Pooling.NONE, 1: Pooling.MEAN, 2: Pooling.CLS, 3: Pooling.LAST, 4: Pooling.RANK}
"""llama.cpp's numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a model file says about itself. Checked for form; whether it is true nobody knows.

    Attributes:
        version: of the format, 2 or 3.
        architecture: of the network, in llama.cpp's words.
        name: what its makers call it; printable; empty when they do not say.
        quantisation: of most weights: the file's own word, else that of the type with the most bytes.
        context_length: longest context it was trained for, in tokens; 0 when it does not say.
        block_count: layers.
        embedding_length: numbers in a token's vector.
        vocabulary: tokens; 0 when the file has no tokenizer.
        chat_template: Jinja text; empty when there is none.
        pooling: how it embeds; None when it does not say, as a model that generates.
        tensors: how many.
        tensor_bytes: their size together.
        kv_bytes_per_token: of a half-precision cache of keys and values, every layer seeing the whole
            context; 0 for a network that remembers in a state of fixed size; None where the file does
            not tell.
    """

    version: int
    architecture: str
    name: str
    quantisation: str
    context_length: int
    block_count: int
    embedding_length: int
    vocabulary: int
    chat_template: str
    pooling: Pooling | None
    tensors: int
    tensor_bytes: int
    kv_bytes_per_token: int | None


def read_header(file: Readable, size: int) -> Header:
    """Check a model file without loading it.

    Reads as far as the end of the header, forward only, and keeps little of it.

    Args:
        file: the file, at its beginning.
        size: of the whole file, in bytes.

    Raises:
        ModelRefusedError: it is no GGUF file, damaged, hostile, or of a kind that llama.cpp does not load.
    """
    scanned = scan(file, size)
    metadata = _Metadata(scanned.values, scanned.counts)
    sizes = _place_tensors(scanned, metadata, size)
    if metadata.integer("split.count", 1) > 1:
        raise ModelRefusedError("it is one part of a model that is split into several files")
    if (kind := metadata.text("general.type", "model")) != "model":
        raise ModelRefusedError(f"it is no model but {shown(kind)}")
    return Header(
        version=scanned.version,
        architecture=metadata.architecture,
        name=_printable(metadata.text("general.name")),
        quantisation=_name_quantisation(metadata, scanned.tensors, sizes),
        context_length=metadata.own_integer("context_length", 0),
        block_count=metadata.own_integer("block_count", most=_MAX_BLOCKS),
        embedding_length=metadata.own_integer("embedding_length", most=_MAX_WIDTH),
        vocabulary=metadata.counts.get("tokenizer.ggml.tokens", 0),
        chat_template=_chat_template(metadata),
        pooling=_pooling(metadata),
        tensors=len(sizes),
        tensor_bytes=sum(sizes),
        kv_bytes_per_token=_kv_bytes_per_token(metadata),
    )


class _Metadata:
    """The values of a file, by key; wrong types are refused where they are asked for."""

    def __init__(self, values: Mapping[str, object], counts: Mapping[str, int]) -> None:
        self._values = values
        self.counts = counts
        self.architecture = self.text("general.architecture")
        if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", self.architecture):
            raise ModelRefusedError("it does not say its architecture")
        self.own_integer("expert_count", 0, most=_MAX_EXPERTS)

    def text(self, key: str, default: str = "") -> str:
        value = self._values.get(key, default)
        if not isinstance(value, str):
            raise ModelRefusedError(f"{key} is not text")
        return value

    def integer(self, key: str, default: int | None = None, *, most: int = (1 << 32) - 1) -> int:
        value = self._values.get(key, default)
        if value is None:
            raise ModelRefusedError(f"it does not say {key}")
        # type(), not isinstance: true is an int to Python
        if type(value) is not int or not 0 <= value <= most:
            raise ModelRefusedError(f"{key} must be a number from 0 to {most}")
        return value

    def own_integer(self, key: str, default: int | None = None, *, most: int = (1 << 32) - 1) -> int:
        """A number of the file's architecture."""
        return self.integer(f"{self.architecture}.{key}", default, most=most)

    def has_own(self, key: str) -> bool:
        return f"{self.architecture}.{key}" in self._values

    def each_block(self, key: str, blocks: int, default: int) -> Sequence[int] | None:
        """A number of each layer, one for all or listed; None when the list does not fit."""
        name = f"{self.architecture}.{key}"
        if name not in self.counts:
            return [self.own_integer(key, default)] * blocks
        value = self._values.get(name)
        if not isinstance(value, tuple):
            return None  # too long to have been kept
        if len(value) != blocks or not all(type(each) is int and each >= 0 for each in value):
            return None
        return value


def _place_tensors(scanned: Scanned, metadata: _Metadata, size: int) -> list[int]:
    """The size of each tensor, all of them lying in the file one after the other."""
    alignment = metadata.integer(ALIGNMENT_KEY, 32, most=_MAX_ALIGNMENT)
    if alignment == 0 or alignment & (alignment - 1):
        raise ModelRefusedError(f"{ALIGNMENT_KEY} is {alignment}, which is no power of two")
    if not scanned.tensors:
        raise ModelRefusedError("it holds no tensors")
    start = _aligned(scanned.end, alignment)
    offset, sizes = 0, []
    for tensor in scanned.tensors:
        length = _tensor_bytes(tensor)
        if tensor.offset != offset:
            raise ModelRefusedError(
                f"tensor {shown(tensor.name)} lies at {tensor.offset}, where {offset} is its place"
            )
        if start + offset + length > size:
            raise ModelRefusedError(
                f"it ends after {size} bytes; tensor {shown(tensor.name)} ends at {start + offset + length}"
            )
        sizes.append(length)
        offset += _aligned(length, alignment)
    return sizes


def _tensor_bytes(tensor: TensorPlace) -> int:
    if tensor.kind in REFUSED_TYPES:
        raise ModelRefusedError(
            f"tensor {shown(tensor.name)}: type {tensor.kind} {REFUSED_TYPES[tensor.kind]}"
        )
    if (form := TENSOR_TYPES.get(tensor.kind)) is None:
        raise ModelRefusedError(f"tensor {shown(tensor.name)}: type {tensor.kind} is not known")
    row, *others = tensor.shape
    if row % form.block:
        raise ModelRefusedError(
            f"tensor {shown(tensor.name)} has rows of {row}, which are not whole blocks of {form.name}"
        )
    size = row // form.block * form.size
    for each in others:
        size *= each
    return size


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment


def _name_quantisation(metadata: _Metadata, tensors: Sequence[TensorPlace], sizes: Sequence[int]) -> str:
    number = metadata.integer("general.file_type", _GUESSED)
    if number in FILE_TYPES:
        return FILE_TYPES[number]
    totals: dict[int, int] = {}
    for tensor, size in zip(tensors, sizes, strict=True):
        totals[tensor.kind] = totals.get(tensor.kind, 0) + size
    return TENSOR_TYPES[max(totals, key=totals.__getitem__)].name.upper()


def _printable(text: str) -> str:
    """A name fit for a terminal and a log line."""
    return "".join(each for each in text if each.isprintable())[:_MAX_NAME]


def _chat_template(metadata: _Metadata) -> str:
    template = metadata.text("tokenizer.chat_template")
    if len(template) > _MAX_TEMPLATE:
        raise ModelRefusedError(f"its chat template has {len(template)} characters")
    return template


def _pooling(metadata: _Metadata) -> Pooling | None:
    if not metadata.has_own("pooling_type"):
        return None
    return _POOLINGS[metadata.own_integer("pooling_type", most=max(_POOLINGS))]


def _kv_bytes_per_token(metadata: _Metadata) -> int | None:
    blocks = metadata.own_integer("block_count", most=_MAX_BLOCKS)
    heads = metadata.each_block("attention.head_count", blocks, 0)
    if heads is None or metadata.has_own("attention.kv_lora_rank"):
        return None  # keys and values are kept compressed
    if not any(heads):
        return 0
    kept = metadata.each_block("attention.head_count_kv", blocks, max(heads))  # absent: not shared
    if kept is None:
        return None
    usual = metadata.own_integer("embedding_length", most=_MAX_WIDTH) // max(heads)
    keys = metadata.own_integer("attention.key_length", usual, most=_MAX_WIDTH)
    values = metadata.own_integer("attention.value_length", usual, most=_MAX_WIDTH)
    return sum(kept) * (keys + values) * _HALF
