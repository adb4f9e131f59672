"""Tiny models of every architecture family, made on the spot, each with a reference in numpy.

`make(kind, folder)` writes one as a GGUF file: the same bytes every time, in well under two seconds.
The ones that generate carry a tokenizer and a chat template and can be served like any other model; they
answer with readable nonsense and end when `max_tokens` is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.services.models import bert, dense, mamba, rwkv7
from tests.services.models.formats import Array
from tests.services.models.gguf_file import build
from tests.services.models.net import Net, Reference


@dataclass(frozen=True, slots=True)
class Kind:
    """One tiny model.

    Attributes:
        draw: makes its weights.
        reference: makes its reference; none for one that embeds.
        tolerance: how far llama.cpp's logits may be from the reference's, in logits. The weights are
            the same; what differs is single precision, half-precision keys and values, and for quantised
            weights that ggml rounds what it multiplies them with to eight bits.
        margin: how far the best token at least is above the next one, in logits, wherever the tests
            look. The seeds were searched for that.
    """

    draw: Callable[[], Net]
    reference: Callable[[Net], Reference] | None
    tolerance: float
    margin: float


def _dense(form: str, seed: int, tolerance: float, margin: float) -> Kind:
    return Kind(lambda: dense.draw(seed, form), dense.Reference, tolerance, margin)


KINDS = {
    "llama-f32": _dense("f32", 1, 0.05, 0.1),
    "llama-q8_0": _dense("q8_0", 1, 0.5, 0.2),
    "llama-q4_0": _dense("q4_0", 1, 0.5, 0.2),
    "llama-tq1_0": _dense("tq1_0", 1, 0.5, 0.2),
    "llama-tq2_0": _dense("tq2_0", 1, 0.5, 0.2),
    "llama-q1_0": _dense("q1_0", 1, 0.5, 0.2),
    "mamba": Kind(lambda: mamba.draw(949), mamba.Reference, 0.001, 0.1),
    "rwkv7": Kind(lambda: rwkv7.draw(1000), rwkv7.Reference, 0.001, 0.1),
    "bert": Kind(lambda: bert.draw(1), None, 0.0, 0.0),
}
CHAT = "llama-f32"
"""The one that serves best as a second chat model."""


@cache
def net(kind: str) -> Net:
    """The weights of a kind; do not change them."""
    return KINDS[kind].draw()


def reference(kind: str) -> Reference:
    """A new reference with empty state."""
    begin = KINDS[kind].reference
    assert begin is not None, f"{kind} does not generate"
    return begin(net(kind))


def embed(kind: str, tokens: Sequence[int]) -> Array:
    """The vector of a text, by the reference."""
    return bert.embed(net(kind), tokens)


def data(kind: str) -> bytes:
    """The whole file."""
    made = net(kind)
    return build(made.entries, made.stored())


def make(kind: str, folder: Path) -> Path:
    """Write `<kind>.gguf` into the folder; returns its path."""
    file = folder / f"{kind}.gguf"
    file.write_bytes(data(kind))
    return file
