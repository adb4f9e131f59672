"""Weights that a storage format of ggml holds without loss.

Each maker draws what the format can say (whole numbers and a half-precision scale per block) and packs
the same numbers into ggml's blocks: the reference computes with exactly the weights that the file holds,
and no dequantiser stands between the two. Layouts: `ggml-common.h` and the `dequantize_row_*` functions
of `ggml-quants.c`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Array = NDArray[np.float64]
type Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Weights:
    """A matrix and how it is stored.

    Attributes:
        values: what the file says, exactly; rows are the last axis.
        kind: ggml's number of the format.
        data: the bytes in the file.
    """

    values: Array
    kind: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Format:
    """A storage format of ggml.

    Attributes:
        kind: ggml's number of it.
        file_type: llama.cpp's number of a file whose matrices are mostly of it.
        block: weights that share a scale.
    """

    kind: int
    file_type: int
    block: int


FORMATS = {
    "f32": Format(0, 0, 1),
    "q4_0": Format(2, 2, 32),
    "q8_0": Format(8, 7, 32),
    "tq1_0": Format(34, 36, 256),
    "tq2_0": Format(35, 37, 256),
    "q1_0": Format(41, 40, 128),
}


def plain(values: Array) -> Weights:
    """Single-precision weights."""
    stored = values.astype("<f4")
    return Weights(stored.astype(np.float64), FORMATS["f32"].kind, stored.tobytes())


def draw(rng: np.random.Generator, name: str, rows: int, columns: int, spread: float) -> Weights:
    """A random matrix of this format whose weights have about this standard deviation."""
    if name == "f32":
        return plain(rng.normal(0, spread, (rows, columns)))
    form = FORMATS[name]
    digits = _DIGITS[name](rng, (rows * columns // form.block, form.block))
    scales = _scales(rng, len(digits), spread / float(digits.std()))
    values: Array = (digits.astype(np.float64) * scales[:, None]).reshape(rows, columns)
    return Weights(values, form.kind, _PACK[name](digits, scales))


def _scales(rng: np.random.Generator, blocks: int, size: float) -> NDArray[np.float16]:
    """A scale per block, exact in half precision and not all the same."""
    return (size * rng.uniform(0.7, 1.3, blocks)).astype(np.float16)


def _beside(scales: NDArray[np.float16], body: NDArray[np.uint8], *, first: bool) -> bytes:
    """Blocks of a scale and its digits, the scale first or last."""
    column = scales[:, None].view(np.uint8)
    return np.hstack([column, body] if first else [body, column]).tobytes()


def _pack_q4_0(digits: Integers, scales: NDArray[np.float16]) -> bytes:
    """Digits from -8 to 7; low halves of the bytes hold the first 16, high halves the others."""
    nibbles = (digits + 8).astype(np.uint8)
    return _beside(scales, (nibbles[:, :16] | nibbles[:, 16:] << 4).astype(np.uint8), first=True)


def _pack_q8_0(digits: Integers, scales: NDArray[np.float16]) -> bytes:
    return _beside(scales, digits.astype(np.int8).view(np.uint8), first=True)


def _pack_q1_0(digits: Integers, scales: NDArray[np.float16]) -> bytes:
    return _beside(scales, np.packbits(digits > 0, axis=1, bitorder="little"), first=True)


def _pack_tq2_0(digits: Integers, scales: NDArray[np.float16]) -> bytes:
    """Two bits a digit, four digits a byte, 32 apart."""
    groups = (digits + 1).astype(np.uint8).reshape(-1, 2, 4, 32)
    body = groups[:, :, 0] | groups[:, :, 1] << 2 | groups[:, :, 2] << 4 | groups[:, :, 3] << 6
    return _beside(scales, body.reshape(-1, 64).astype(np.uint8), first=False)


def _pack_tq1_0(digits: Integers, scales: NDArray[np.float16]) -> bytes:
    """Five digits a byte in base 3, the first the highest; the last 16 of a block four a byte."""
    trits = digits + 1
    parts = [
        _base_3(trits[:, :160].reshape(-1, 5, 32)),
        _base_3(trits[:, 160:240].reshape(-1, 5, 16)),
        _base_3(np.concatenate([trits[:, 240:].reshape(-1, 4, 4), np.zeros((len(trits), 1, 4), int)], 1)),
    ]
    return _beside(scales, np.hstack(parts), first=False)


def _base_3(trits: Integers) -> NDArray[np.uint8]:
    """Numbers of five trits, scaled so that multiplying by 3 brings the next one into the ninth bit."""
    number = np.einsum("bnm,n->bm", trits, 3 ** np.arange(4, -1, -1))
    scaled: NDArray[np.uint8] = ((number * 256 + 242) // 243).astype(np.uint8)
    return scaled


_DIGITS: Mapping[str, Callable[[np.random.Generator, tuple[int, int]], Integers]] = {
    "q4_0": lambda rng, shape: rng.integers(-8, 8, shape),
    "q8_0": lambda rng, shape: rng.integers(-127, 128, shape),
    "q1_0": lambda rng, shape: rng.integers(0, 2, shape) * 2 - 1,
    "tq1_0": lambda rng, shape: rng.integers(-1, 2, shape),
    "tq2_0": lambda rng, shape: rng.integers(-1, 2, shape),
}
_PACK = {
    "q4_0": _pack_q4_0,
    "q8_0": _pack_q8_0,
    "q1_0": _pack_q1_0,
    "tq1_0": _pack_tq1_0,
    "tq2_0": _pack_tq2_0,
}
