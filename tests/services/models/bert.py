"""A BERT network that turns a text into one vector. Devlin et al. 2018 (arXiv:1810.04805)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.services.models import vocabularies
from tests.services.models.formats import Array
from tests.services.models.gguf_file import Entry
from tests.services.models.net import Net, layer_norm, prefixed, softmax

WIDTH, HIDDEN, LAYERS, HEADS = 64, 128, 2, 4
HEAD = WIDTH // HEADS
CONTEXT = 512
_EPSILON = 1e-12
_MEAN = 1


def draw(seed: int) -> Net:
    rng = np.random.default_rng(seed)
    net = Net(rng, [*_metadata(), *vocabularies.wpm()])
    net.plain("token_embd.weight", rng.normal(0, 1, (len(vocabularies.WPM_TOKENS), WIDTH)))
    net.plain("position_embd.weight", rng.normal(0, 0.3, (CONTEXT, WIDTH)))
    net.plain("token_types.weight", rng.normal(0, 0.1, (2, WIDTH)))
    _norm(net, "token_embd_norm")
    for layer in range(LAYERS):
        at = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            _linear(net, at + name, WIDTH, WIDTH)
        _norm(net, at + "attn_output_norm")
        _linear(net, at + "ffn_up", HIDDEN, WIDTH)
        _linear(net, at + "ffn_down", WIDTH, HIDDEN)
        _norm(net, at + "layer_output_norm")
    return net


def _norm(net: Net, name: str) -> None:
    net.around(name + ".weight", 1, WIDTH)
    net.around(name + ".bias", 0, WIDTH)


def _linear(net: Net, name: str, rows: int, columns: int) -> None:
    net.matrix(name + ".weight", rows, columns)
    net.around(name + ".bias", 0, rows)


def _metadata() -> list[Entry]:
    return [
        Entry.of("general.architecture", "bert"),
        Entry.of("general.name", "tiny bert"),
        Entry.of("general.file_type", 0),
        *prefixed("bert", {
            "block_count": LAYERS, "context_length": CONTEXT, "embedding_length": WIDTH,
            "feed_forward_length": HIDDEN, "attention.head_count": HEADS,
            "attention.layer_norm_epsilon": _EPSILON, "attention.causal": False,
            "pooling_type": _MEAN,
        }),
    ]  # fmt: skip


def embed(net: Net, tokens: Sequence[int]) -> Array:
    """The mean of the last layer's vectors; every token sees every other."""
    x = net["token_embd.weight"][list(tokens)]
    x = x + net["position_embd.weight"][: len(tokens)] + net["token_types.weight"][0]
    x = _normed(net, "token_embd_norm", x)
    for layer in range(LAYERS):
        at = f"blk.{layer}."
        x = _normed(net, at + "attn_output_norm", x + _attend(net, at, x))
        fed = _apply(net, at + "ffn_down", _gelu(_apply(net, at + "ffn_up", x)))
        x = _normed(net, at + "layer_output_norm", x + fed)
    mean: Array = x.mean(axis=0)
    return mean


def _normed(net: Net, name: str, x: Array) -> Array:
    return layer_norm(x, net[name + ".weight"], net[name + ".bias"], _EPSILON)


def _apply(net: Net, name: str, x: Array) -> Array:
    return x @ net[name + ".weight"].T + net[name + ".bias"]


def _attend(net: Net, at: str, x: Array) -> Array:
    query, key, value = (
        _apply(net, at + name, x).reshape(-1, HEADS, HEAD) for name in ("attn_q", "attn_k", "attn_v")
    )
    shares = softmax(np.einsum("qhd,khd->hqk", query, key) / HEAD**0.5)
    return _apply(net, at + "attn_output", np.einsum("hqk,khd->qhd", shares, value).reshape(-1, WIDTH))


def _gelu(x: Array) -> Array:
    """The approximation by tanh that ggml computes."""
    result: Array = x / 2 * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3)))
    return result
