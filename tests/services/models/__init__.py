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

from tests.services.models import bert, dense, granite, mamba, rwkv7
from tests.services.models.formats import Array
from tests.services.models.gguf_file import build
from tests.services.models.net import Net, Reference


@dataclass(frozen=True, slots=True)
class Kind:
    """One tiny model.

    Attributes:
        draw: makes its weights.
        reference: makes its reference; none for one that embeds.
        tolerance: how far llama.cpp's logits (the numbers of the vector) may be from the reference's. The
            weights are the same; what differs is single precision, half-precision keys and values, and for
            quantised weights that ggml rounds what it multiplies them with to eight bits.
    """

    draw: Callable[[], Net]
    reference: Callable[[Net], Reference] | None
    tolerance: float


def _dense(form: str, seed: int, tolerance: float) -> Kind:
    return Kind(lambda: dense.draw(seed, form), dense.Reference, tolerance)


# Seeds are searched: with these, no place that the tests look at is a near-tie (closer than twice the
# tolerance), and no answer is a monotony.
KINDS = {
    "llama-f32": _dense("f32", 63, 0.02),
    "llama-q8_0": _dense("q8_0", 747, 0.15),
    "llama-q4_0": _dense("q4_0", 380, 0.15),
    "llama-tq1_0": _dense("tq1_0", 257, 0.15),
    "llama-tq2_0": _dense("tq2_0", 257, 0.15),
    "llama-q1_0": _dense("q1_0", 403, 0.15),
    "mamba": Kind(lambda: mamba.draw(949), mamba.Reference, 0.001),
    "granitehybrid": Kind(lambda: granite.draw(48), granite.Reference, 0.01),
    "rwkv7": Kind(lambda: rwkv7.draw(1000), rwkv7.Reference, 0.001),
    "bert": Kind(lambda: bert.draw(1), None, 0.005),
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
