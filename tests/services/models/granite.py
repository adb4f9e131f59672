"""A hybrid network as Granite 4.0-H: Mamba-2 layers and an attention layer without positions.

Dao and Gu 2024 (arXiv:2405.21060); the multipliers are Granite's.
"""

from __future__ import annotations

import numpy as np

from tests.services.models import vocabularies
from tests.services.models.formats import Array
from tests.services.models.gguf_file import ARRAY, U32, Entry, packed_array
from tests.services.models.net import Net, half, prefixed, rms_norm, silu, softmax

WIDTH, HIDDEN, HEADS, SHARED_HEADS = 128, 256, 4, 2
HEAD = WIDTH // HEADS
INNER, STATE, SSM_HEADS, GROUPS, KERNEL = 256, 32, 8, 2, 4
MIXED = INNER + 2 * GROUPS * STATE
CONTEXT = 4096
_ATTENDS = (False, True, False)
_EMBEDDING, _RESIDUAL, _LOGIT, _ATTENTION = 2.0, 0.5, 2.0, 0.125
"""Multipliers, exact in single precision."""


def draw(seed: int) -> Net:
    rng = np.random.default_rng(seed)
    net = Net(rng, [*_metadata(), *vocabularies.bpe()])
    tokens = len(vocabularies.BPE_TOKENS)
    net.plain("token_embd.weight", rng.normal(0, 1, (tokens, WIDTH)))
    for layer, attends in enumerate(_ATTENDS):
        at = f"blk.{layer}."
        net.around(at + "attn_norm.weight", 1, WIDTH)
        if attends:
            _attention(net, at + "attn_")
        else:
            _state_space(net, at + "ssm_")
        net.around(at + "ffn_norm.weight", 1, WIDTH)
        net.matrix(at + "ffn_gate.weight", HIDDEN, WIDTH)
        net.matrix(at + "ffn_up.weight", HIDDEN, WIDTH)
        net.matrix(at + "ffn_down.weight", WIDTH, HIDDEN, gain=2)
    net.around("output_norm.weight", 1, WIDTH)
    net.output(tokens, WIDTH, vocabularies.READABLE_BPE)
    return net


def _attention(net: Net, at: str) -> None:
    net.matrix(at + "q.weight", WIDTH, WIDTH)
    net.matrix(at + "k.weight", SHARED_HEADS * HEAD, WIDTH)
    net.matrix(at + "v.weight", SHARED_HEADS * HEAD, WIDTH)
    net.matrix(at + "output.weight", WIDTH, WIDTH, gain=2)


def _state_space(net: Net, at: str) -> None:
    net.matrix(at + "in.weight", INNER + MIXED + SSM_HEADS, WIDTH)
    net.matrix(at + "conv1d.weight", MIXED, KERNEL, gain=1.5)
    net.around(at + "conv1d.bias", 0, MIXED)
    net.around(at + "dt.bias", -1, SSM_HEADS, 0.5)
    net.plain(at + "a", -np.arange(1.0, SSM_HEADS + 1)[:, None] / 4)
    net.plain(at + "d", net.rng.normal(1, 0.1, (SSM_HEADS, 1)))
    net.plain(at + "norm.weight", net.rng.normal(1, 0.1, (GROUPS, INNER // GROUPS)))
    net.matrix(at + "out.weight", WIDTH, INNER, gain=2)


def _metadata() -> list[Entry]:
    kept = [SHARED_HEADS if attends else 0 for attends in _ATTENDS]
    return [
        Entry.of("general.architecture", "granitehybrid"),
        Entry.of("general.name", "tiny granite hybrid"),
        Entry.of("general.file_type", 0),
        Entry("granitehybrid.attention.head_count_kv", ARRAY, packed_array(U32, kept)),
        *prefixed("granitehybrid", {
            "block_count": len(_ATTENDS), "context_length": CONTEXT, "embedding_length": WIDTH,
            "feed_forward_length": HIDDEN, "attention.head_count": HEADS,
            "attention.layer_norm_rms_epsilon": 1e-5, "attention.scale": _ATTENTION,
            "embedding_scale": _EMBEDDING, "residual_scale": _RESIDUAL, "logit_scale": _LOGIT,
            "rope.scaling.finetuned": False, "ssm.conv_kernel": KERNEL, "ssm.inner_size": INNER,
            "ssm.state_size": STATE, "ssm.time_step_rank": SSM_HEADS, "ssm.group_count": GROUPS,
        }),
    ]  # fmt: skip


class Reference:
    def __init__(self, net: Net) -> None:
        self._net = net
        self._window = np.zeros((len(_ATTENDS), MIXED, KERNEL))
        self._state = np.zeros((len(_ATTENDS), SSM_HEADS, INNER // SSM_HEADS, STATE))
        self._keys: list[Array] = []
        self._values: list[Array] = []

    def step(self, token: int) -> Array:
        net = self._net
        x = net["token_embd.weight"][token] * _EMBEDDING
        for layer, attends in enumerate(_ATTENDS):
            at = f"blk.{layer}."
            normed = rms_norm(x, net[at + "attn_norm.weight"])
            x = x + (self._attend(at, normed) if attends else self._mix(layer, normed)) * _RESIDUAL
            normed = rms_norm(x, net[at + "ffn_norm.weight"])
            gated = silu(net[at + "ffn_gate.weight"] @ normed) * (net[at + "ffn_up.weight"] @ normed)
            x = x + net[at + "ffn_down.weight"] @ gated * _RESIDUAL
        logits: Array = net["output.weight"] @ rms_norm(x, net["output_norm.weight"])
        return logits * (1 / _LOGIT)

    def _attend(self, at: str, x: Array) -> Array:
        net = self._net
        query = (net[at + "attn_q.weight"] @ x).reshape(HEADS, HEAD)
        self._keys.append(half((net[at + "attn_k.weight"] @ x).reshape(SHARED_HEADS, HEAD)))
        self._values.append(half((net[at + "attn_v.weight"] @ x).reshape(SHARED_HEADS, HEAD)))
        keys = np.repeat(np.stack(self._keys), HEADS // SHARED_HEADS, axis=1)
        values = np.repeat(np.stack(self._values), HEADS // SHARED_HEADS, axis=1)
        shares = softmax(np.einsum("hd,thd->ht", query, keys) * _ATTENTION)
        seen = np.einsum("ht,thd->hd", shares, values).reshape(WIDTH)
        attended: Array = net[at + "attn_output.weight"] @ seen
        return attended

    def _mix(self, layer: int, x: Array) -> Array:
        net, at = self._net, f"blk.{layer}.ssm_"
        gate, mixed, step = np.split(net[at + "in.weight"] @ x, [INNER, INNER + MIXED])
        window = self._window[layer]
        window[:, :-1] = window[:, 1:]
        window[:, -1] = mixed
        mixed = silu((window * net[at + "conv1d.weight"]).sum(axis=1) + net[at + "conv1d.bias"])
        u, enter, leave = np.split(mixed, [INNER, INNER + GROUPS * STATE])
        u = u.reshape(SSM_HEADS, -1)
        enter, leave = (
            np.repeat(each.reshape(GROUPS, STATE), SSM_HEADS // GROUPS, axis=0) for each in (enter, leave)
        )
        step = np.log1p(np.exp(step + net[at + "dt.bias"]))[:, None]
        state = self._state[layer]
        state *= np.exp(step * net[at + "a"])[:, :, None]
        state += (step * u)[:, :, None] * enter[:, None, :]
        y = np.einsum("hds,hs->hd", state, leave) + net[at + "d"] * u
        y = (y.reshape(INNER) * silu(gate)).reshape(GROUPS, -1)
        out: Array = net[at + "out.weight"] @ rms_norm(y, net[at + "norm.weight"]).reshape(INNER)
        return out
