"""A Mamba network: selective state space with a short convolution. Gu and Dao 2023 (arXiv:2312.00752)."""

from __future__ import annotations

import numpy as np

from tests.services.models import vocabularies
from tests.services.models.formats import Array
from tests.services.models.gguf_file import Entry
from tests.services.models.net import Net, prefixed, rms_norm, silu

WIDTH, INNER, STATE, RANK, KERNEL, LAYERS = 128, 256, 16, 8, 4, 2
CONTEXT = 4096


def draw(seed: int) -> Net:
    rng = np.random.default_rng(seed)
    net = Net(rng, [*_metadata(), *vocabularies.bpe()])
    tokens = len(vocabularies.BPE_TOKENS)
    net.plain("token_embd.weight", rng.normal(0, 1, (tokens, WIDTH)))
    for layer in range(LAYERS):
        at = f"blk.{layer}."
        net.around(at + "attn_norm.weight", 1, WIDTH)
        net.matrix(at + "ssm_in.weight", 2 * INNER, WIDTH)
        net.matrix(at + "ssm_conv1d.weight", INNER, KERNEL, gain=1.5)
        net.around(at + "ssm_conv1d.bias", 0, INNER)
        net.matrix(at + "ssm_x.weight", RANK + 2 * STATE, INNER, gain=1.5)
        net.matrix(at + "ssm_dt.weight", INNER, RANK)
        net.around(at + "ssm_dt.bias", -1, INNER, 0.5)
        net.plain(at + "ssm_a", -np.tile(np.arange(1.0, STATE + 1), (INNER, 1)) / 4)
        net.around(at + "ssm_d", 1, INNER)
        net.matrix(at + "ssm_out.weight", WIDTH, INNER, gain=2)
    net.around("output_norm.weight", 1, WIDTH)
    net.output(tokens, WIDTH, vocabularies.READABLE_BPE)
    return net


def _metadata() -> list[Entry]:
    return [
        Entry.of("general.architecture", "mamba"),
        Entry.of("general.name", "tiny mamba"),
        Entry.of("general.file_type", 0),
        *prefixed("mamba", {
            "block_count": LAYERS, "context_length": CONTEXT, "embedding_length": WIDTH,
            "feed_forward_length": 0, "attention.head_count": 0,
            "attention.layer_norm_rms_epsilon": 1e-5, "ssm.conv_kernel": KERNEL,
            "ssm.inner_size": INNER, "ssm.state_size": STATE, "ssm.time_step_rank": RANK,
        }),
    ]  # fmt: skip


class Reference:
    def __init__(self, net: Net) -> None:
        self._net = net
        self._window = np.zeros((LAYERS, INNER, KERNEL))
        self._state = np.zeros((LAYERS, INNER, STATE))

    def step(self, token: int) -> Array:
        net = self._net
        x = net["token_embd.weight"][token]
        for layer in range(LAYERS):
            x = x + self._mix(layer, rms_norm(x, net[f"blk.{layer}.attn_norm.weight"]))
        return net["output.weight"] @ rms_norm(x, net["output_norm.weight"])

    def _mix(self, layer: int, x: Array) -> Array:
        net, at = self._net, f"blk.{layer}.ssm_"
        u, gate = np.split(net[at + "in.weight"] @ x, 2)
        window = self._window[layer]
        window[:, :-1] = window[:, 1:]
        window[:, -1] = u
        u = silu((window * net[at + "conv1d.weight"]).sum(axis=1) + net[at + "conv1d.bias"])
        step, enter, leave = np.split(net[at + "x.weight"] @ u, [RANK, RANK + STATE])
        step = np.log1p(np.exp(net[at + "dt.weight"] @ step + net[at + "dt.bias"]))
        state = self._state[layer]
        state *= np.exp(step[:, None] * net[at + "a"])
        state += (step * u)[:, None] * enter
        y = state @ leave + net[at + "d"] * u
        mixed: Array = net[at + "out.weight"] @ (y * silu(gate))
        return mixed
