"""An RWKV-7 network: linear attention with a generalised delta rule. Peng et al. 2025 (arXiv:2503.14456)."""

from __future__ import annotations

import numpy as np

from tests.services.models import vocabularies
from tests.services.models.formats import Array
from tests.services.models.gguf_file import Entry
from tests.services.models.net import Net, layer_norm, prefixed, sigmoid

WIDTH, HEAD, HIDDEN, LAYERS = 128, 64, 256, 2
HEADS = WIDTH // HEAD
CONTEXT = 4096
_RANKS = {"w": 16, "a": 16, "v": 16, "g": 32}
_EPSILON = 1e-5
_SLOWEST = float(np.exp(-0.5))


def draw(seed: int) -> Net:
    rng = np.random.default_rng(seed)
    net = Net(rng, [*_metadata(), *vocabularies.rwkv()])
    tokens = len(vocabularies.RWKV_TOKENS)
    net.plain("token_embd.weight", rng.normal(0, 1, (tokens, WIDTH)))
    _norm(net, "token_embd_norm")
    for layer in range(LAYERS):
        at = f"blk.{layer}."
        _norm(net, at + "attn_norm")
        _norm(net, at + "attn_norm_2")
        _time_mix(net, at + "time_mix_")
        net.plain(at + "channel_mix_lerp_k.weight", rng.uniform(0, 1, (1, 1, WIDTH)))
        net.matrix(at + "channel_mix_key.weight", HIDDEN, WIDTH)
        net.matrix(at + "channel_mix_value.weight", WIDTH, HIDDEN, gain=0.5)
    _norm(net, "output_norm")
    net.output(tokens, WIDTH, vocabularies.READABLE_RWKV)
    return net


def _norm(net: Net, name: str) -> None:
    net.around(name + ".weight", 1, WIDTH)
    net.around(name + ".bias", 0, WIDTH)


def _time_mix(net: Net, at: str) -> None:
    for name, rank in _RANKS.items():
        net.matrix(f"{at}{name}1.weight", rank, WIDTH)
        net.matrix(f"{at}{name}2.weight", WIDTH, rank)
    net.around(at + "w0.weight", -1, WIDTH, 0.5)
    net.around(at + "a0.weight", 0, WIDTH, 0.5)
    net.around(at + "v0.weight", 0, WIDTH, 0.5)
    net.plain(at + "lerp_fused.weight", net.rng.uniform(0, 1, (6, 1, 1, WIDTH)))
    net.around(at + "k_k.weight", 0.85, WIDTH)
    net.around(at + "k_a.weight", 1, WIDTH)
    net.around(at + "r_k.weight", 0, WIDTH, 0.3)
    for name in ("key", "value", "receptance"):
        net.matrix(f"{at}{name}.weight", WIDTH, WIDTH)
    _norm(net, at + "ln")
    net.matrix(at + "output.weight", WIDTH, WIDTH)


def _metadata() -> list[Entry]:
    return [
        Entry.of("general.architecture", "rwkv7"),
        Entry.of("general.name", "tiny rwkv7"),
        Entry.of("general.file_type", 0),
        *prefixed("rwkv7", {
            "block_count": LAYERS, "context_length": CONTEXT, "embedding_length": WIDTH,
            "feed_forward_length": HIDDEN, "attention.head_count": 0,
            "attention.layer_norm_epsilon": _EPSILON, "wkv.head_size": HEAD,
            "attention.decay_lora_rank": _RANKS["w"], "attention.iclr_lora_rank": _RANKS["a"],
            "attention.value_residual_mix_lora_rank": _RANKS["v"],
            "attention.gate_lora_rank": _RANKS["g"], "token_shift_count": 2,
        }),
    ]  # fmt: skip


class Reference:
    def __init__(self, net: Net) -> None:
        self._net = net
        self._before = np.zeros((LAYERS, 2, WIDTH))
        self._state = np.zeros((LAYERS, HEADS, HEAD, HEAD))

    def step(self, token: int) -> Array:
        net = self._net
        x = self._normed("token_embd_norm", net["token_embd.weight"][token])
        first_value: Array | None = None
        for layer in range(LAYERS):
            at = f"blk.{layer}."
            mixed, first_value = self._time_mix(layer, self._normed(at + "attn_norm", x), first_value)
            x = x + mixed
            x = x + self._channel_mix(layer, self._normed(at + "attn_norm_2", x))
        return net["output.weight"] @ self._normed("output_norm", x)

    def _normed(self, name: str, x: Array, epsilon: float = _EPSILON) -> Array:
        return layer_norm(x, self._net[name + ".weight"], self._net[name + ".bias"], epsilon)

    def _shift(self, layer: int, branch: int, x: Array) -> Array:
        """Difference to the token before."""
        change: Array = self._before[layer, branch] - x
        self._before[layer, branch] = x
        return change

    def _low_rank(self, at: str, name: str, x: Array, inner: str = "") -> Array:
        hidden = self._net[f"{at}{name}1.weight"] @ x
        if inner:
            hidden = np.tanh(hidden) if inner == "tanh" else sigmoid(hidden)
        return self._net[f"{at}{name}2.weight"] @ hidden

    def _time_mix(self, layer: int, x: Array, first_value: Array | None) -> tuple[Array, Array]:
        net, at = self._net, f"blk.{layer}.time_mix_"
        change = self._shift(layer, 0, x)
        xr, xw, xk, xv, xa, xg = x + change * net[at + "lerp_fused.weight"][:, 0, 0]
        receptance = net[at + "receptance.weight"] @ xr
        key = net[at + "key.weight"] @ xk
        value = net[at + "value.weight"] @ xv
        if first_value is None:
            first_value = value
        else:
            share = sigmoid(net[at + "v0.weight"] + self._low_rank(at, "v", xv))
            value = value + (first_value - value) * share
        decay = np.exp(-_SLOWEST * sigmoid(net[at + "w0.weight"] + self._low_rank(at, "w", xw, "tanh")))
        rate = sigmoid(net[at + "a0.weight"] + self._low_rank(at, "a", xa))
        gate = self._low_rank(at, "g", xg, "sigmoid")
        removed = (key * net[at + "k_k.weight"]).reshape(HEADS, HEAD)
        removed = removed / np.maximum(np.linalg.norm(removed, axis=1, keepdims=True), 1e-12)
        key = key * (1 + (rate - 1) * net[at + "k_a.weight"])
        r, w, k, v, a = (each.reshape(HEADS, HEAD) for each in (receptance, decay, key, value, rate))
        y = self._read(layer, r, w, k, v, removed, a)
        y = layer_norm(y, 1, 0, 64e-5).reshape(WIDTH) * net[at + "ln.weight"] + net[at + "ln.bias"]
        bonus = (r * k * net[at + "r_k.weight"].reshape(HEADS, HEAD)).sum(axis=1, keepdims=True)
        y = y + (bonus * v).reshape(WIDTH)
        return net[at + "output.weight"] @ (y * gate), first_value

    def _read(self, layer: int, r: Array, w: Array, k: Array, v: Array, kk: Array, a: Array) -> Array:
        """One step of the state, rows are values and columns keys: S ← S·(diag w - κ̂ᵀ(a∘κ̂)) + vᵀk."""
        state = self._state[layer]
        seen = np.einsum("hij,hj->hi", state, -kk)
        state *= w[:, None, :]
        state += v[:, :, None] * k[:, None, :] + seen[:, :, None] * (kk * a)[:, None, :]
        read: Array = np.einsum("hij,hj->hi", state, r)
        return read

    def _channel_mix(self, layer: int, x: Array) -> Array:
        at = f"blk.{layer}.channel_mix_"
        mixed = x + self._shift(layer, 1, x) * self._net[at + "lerp_k.weight"][0, 0]
        hidden = np.maximum(self._net[at + "key.weight"] @ mixed, 0) ** 2
        added: Array = self._net[at + "value.weight"] @ hidden
        return added
