"""What all tiny networks share: named weights, and the arithmetic of their references.

References compute in double precision, one token after the other, from the papers and from the graphs in
llama.cpp's `src/models`. They share no code with llama.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tests.services.models.formats import Array, Weights, draw, plain
from tests.services.models.gguf_file import Entry, StoredTensor

LOUD, QUIET = 1.0, 0.1


class Reference(Protocol):
    """A network in numpy with the state of one sequence."""

    def step(self, token: int) -> Array:
        """Read one token; the logits of the next one."""


@dataclass
class Net:
    """The weights of a network by their names in the file, and what its metadata says."""

    rng: np.random.Generator
    entries: list[Entry]
    weights: dict[str, Weights] = field(default_factory=dict)

    def plain(self, name: str, values: Array) -> None:
        """Add single-precision weights."""
        self.weights[name] = plain(values)

    def matrix(self, name: str, rows: int, columns: int, *, form: str = "f32", gain: float = 1.0) -> None:
        """Add a random matrix that scales what it multiplies by about `gain`."""
        self.weights[name] = draw(self.rng, form, rows, columns, gain / columns**0.5)

    def around(self, name: str, centre: float, size: int, spread: float = 0.1) -> None:
        """Add a random vector, such as the weight or the bias of a norm."""
        self.plain(name, self.rng.normal(centre, spread, size))

    def output(self, tokens: int, columns: int, readable: Sequence[int]) -> None:
        """Add the last layer. Readable tokens win, and some of them are louder than others: that makes
        the margins between the best and the next one wider than equal rows would."""
        rows = self.rng.normal(0, 1, (tokens, columns))
        loudness = np.full(tokens, QUIET)
        loudness[list(readable)] = LOUD * np.exp(self.rng.normal(0, 0.4, len(readable)))
        self.plain("output.weight", rows * loudness[:, None] / columns**0.5 * 4)

    def stored(self) -> list[StoredTensor]:
        """All tensors as they lie in the file."""
        return [
            StoredTensor(name, each.values.shape[::-1], each.kind, each.data)
            for name, each in self.weights.items()
        ]

    def __getitem__(self, name: str) -> Array:
        return self.weights[name].values


def rms_norm(x: Array, weight: Array, epsilon: float = 1e-5) -> Array:
    normed: Array = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + epsilon) * weight
    return normed


def layer_norm(x: Array, weight: Array | float, bias: Array | float, epsilon: float) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    normed: Array = centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + epsilon) * weight + bias
    return normed


def sigmoid(x: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-x))
    return result


def silu(x: Array) -> Array:
    return x * sigmoid(x)


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    result: Array = powers / powers.sum(axis=-1, keepdims=True)
    return result


def half(x: Array) -> Array:
    """As it is remembered in a half-precision cache."""
    return x.astype(np.float16).astype(np.float64)


def prefixed(architecture: str, values: dict[str, int | float | bool]) -> list[Entry]:
    """Metadata keys of one architecture."""
    return [Entry.of(f"{architecture}.{key}", value) for key, value in values.items()]
