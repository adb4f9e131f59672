"""A Llama network: RMS norms, rotary positions, grouped-query attention, gated feed-forward.

Touvron et al. 2023 (arXiv:2302.13971), Ainslie et al. 2023 (arXiv:2305.13245), Su et al. 2021
(arXiv:2104.09864). Weights may be stored in any format of `formats.py`: with ternary or one-bit weights
this is a network of the BitNet class.
"""

from __future__ import annotations

import numpy as np

from tests.services.models import vocabularies
from tests.services.models.formats import FORMATS, Array
from tests.services.models.gguf_file import Entry
from tests.services.models.net import Net, half, prefixed, rms_norm, silu, softmax

WIDTH, HIDDEN, LAYERS, HEADS, SHARED_HEADS = 256, 512, 2, 4, 2
HEAD = WIDTH // HEADS
CONTEXT = 4096
_BASE = 10000.0
_BRANCH = 0.25
"""How loud what a layer adds is, beside what it adds to."""


def draw(seed: int, form: str) -> Net:
    rng = np.random.default_rng(seed)
    net = Net(rng, [*_metadata(form), *vocabularies.bpe()])
    tokens = len(vocabularies.BPE_TOKENS)
    net.plain("token_embd.weight", rng.normal(0, 1, (tokens, WIDTH)))
    for layer in range(LAYERS):
        at = f"blk.{layer}."
        net.around(at + "attn_norm.weight", 1, WIDTH)
        net.matrix(at + "attn_q.weight", WIDTH, WIDTH, form=form)
        net.matrix(at + "attn_k.weight", SHARED_HEADS * HEAD, WIDTH, form=form)
        net.matrix(at + "attn_v.weight", SHARED_HEADS * HEAD, WIDTH, form=form)
        net.matrix(at + "attn_output.weight", WIDTH, WIDTH, form=form, gain=_BRANCH)
        net.around(at + "ffn_norm.weight", 1, WIDTH)
        net.matrix(at + "ffn_gate.weight", HIDDEN, WIDTH, form=form)
        net.matrix(at + "ffn_up.weight", HIDDEN, WIDTH, form=form)
        net.matrix(at + "ffn_down.weight", WIDTH, HIDDEN, form=form, gain=_BRANCH)
    net.around("output_norm.weight", 1, WIDTH)
    net.output(tokens, WIDTH, vocabularies.READABLE_BPE)
    return net


def _metadata(form: str) -> list[Entry]:
    return [
        Entry.of("general.architecture", "llama"),
        Entry.of("general.name", f"tiny llama {form}"),
        Entry.of("general.file_type", FORMATS[form].file_type),
        *prefixed("llama", {
            "block_count": LAYERS, "context_length": CONTEXT, "embedding_length": WIDTH,
            "feed_forward_length": HIDDEN, "attention.head_count": HEADS,
            "attention.head_count_kv": SHARED_HEADS, "attention.layer_norm_rms_epsilon": 1e-5,
            "rope.dimension_count": HEAD, "rope.freq_base": _BASE,
            "vocab_size": len(vocabularies.BPE_TOKENS),
        }),
    ]  # fmt: skip


class Reference:
    def __init__(self, net: Net) -> None:
        self._net = net
        self._position = 0
        self._keys: list[list[Array]] = [[] for _ in range(LAYERS)]
        self._values: list[list[Array]] = [[] for _ in range(LAYERS)]

    def step(self, token: int) -> Array:
        net = self._net
        x = net["token_embd.weight"][token]
        for layer in range(LAYERS):
            x = x + self._attend(layer, rms_norm(x, net[f"blk.{layer}.attn_norm.weight"]))
            x = x + self._feed(layer, rms_norm(x, net[f"blk.{layer}.ffn_norm.weight"]))
        self._position += 1
        return net["output.weight"] @ rms_norm(x, net["output_norm.weight"])

    def _attend(self, layer: int, x: Array) -> Array:
        at = f"blk.{layer}.attn_"
        query = self._turn((self._net[at + "q.weight"] @ x).reshape(HEADS, HEAD))
        key = self._turn((self._net[at + "k.weight"] @ x).reshape(SHARED_HEADS, HEAD))
        value = (self._net[at + "v.weight"] @ x).reshape(SHARED_HEADS, HEAD)
        self._keys[layer].append(half(key))
        self._values[layer].append(half(value))
        keys = np.repeat(np.stack(self._keys[layer]), HEADS // SHARED_HEADS, axis=1)
        values = np.repeat(np.stack(self._values[layer]), HEADS // SHARED_HEADS, axis=1)
        shares = softmax(np.einsum("hd,thd->ht", query, keys) / HEAD**0.5)
        seen = np.einsum("ht,thd->hd", shares, values).reshape(WIDTH)
        attended: Array = self._net[at + "output.weight"] @ seen
        return attended

    def _turn(self, x: Array) -> Array:
        """Turn neighbouring pairs by the position: RoPE as Llama's files have it."""
        angles = self._position * _BASE ** (-np.arange(0, HEAD, 2) / HEAD)
        turned = np.empty_like(x)
        turned[:, 0::2] = x[:, 0::2] * np.cos(angles) - x[:, 1::2] * np.sin(angles)
        turned[:, 1::2] = x[:, 0::2] * np.sin(angles) + x[:, 1::2] * np.cos(angles)
        return turned

    def _feed(self, layer: int, x: Array) -> Array:
        at = f"blk.{layer}.ffn_"
        gated = silu(self._net[at + "gate.weight"] @ x) * (self._net[at + "up.weight"] @ x)
        return self._net[at + "down.weight"] @ gated
