"""Which tier a machine is, what that proposes, how much memory it takes and how fast it can be at most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sigmavault.core.hardware import Hardware
from sigmavault.core.manifest import Manifest, Model, Purpose, Tier
from sigmavault.core.values import GIB, MIB, format_bytes

CONTEXT_TOKENS = 4096
"""Context that memory and ceilings are told for."""

COMPUTE_BYTES = 3 * GIB // 10
"""Scratch memory of llama.cpp beside weights and cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A model that a tier proposes.

    Attributes:
        model: which.
        purposes: what for; the first one is what it is best placed for.
        memory_bytes: resident with a context of `CONTEXT_TOKENS`, or its own where that is shorter.
        ceiling: tokens per second that memory bandwidth allows at most with an empty context; None for
            embedding models, and where the bandwidth was not measured.
        ceiling_full: the same with a context of `CONTEXT_TOKENS`.
    """

    model: Model
    purposes: tuple[Purpose, ...]
    memory_bytes: int
    ceiling: float | None
    ceiling_full: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChoice:
    """The decision.

    Attributes:
        tier: what the machine is.
        reasons: why it is that, and why not the next larger one; sentences for people.
        models: what it proposes, each model once.
    """

    tier: Tier
    reasons: tuple[str, ...]
    models: tuple[Proposal, ...]


def memory_needed(model: Model, context: int = CONTEXT_TOKENS) -> int | None:
    """Bytes that the model takes when loaded: file + KV cache of the context (f16) + 0.3 GiB.

    An estimate, for admission and proposals. What the entry gives as `needs.memory_bytes` goes before: for
    hybrids and embedding models the sum is not right. None where neither is known.
    """
    if model.needs.memory_bytes is not None:
        return model.needs.memory_bytes
    if model.size is None or model.kv_bytes_per_token is None:
        return None
    return model.size + model.kv_bytes_per_token * min(context, model.context) + COMPUTE_BYTES


def speed_ceiling(model: Model, read_bytes_s: float, context: int = 0) -> float | None:
    """Tokens per second that nothing on this machine can pass.

    Each token reads all (active) weights and the cache of what came before: bandwidth / (weights + KV bytes
    per token x context). Real speeds are 60 to 95 % of it. None for embedding models, which generate no
    tokens, and where the size is not known.
    """
    weights = model.active_bytes or model.size
    if weights is None or Purpose.EMBEDDING in model.purpose:
        return None
    cache = (model.kv_bytes_per_token or 0) * min(context, model.context)
    return read_bytes_s / (weights + cache)


def choose_tier(hardware: Hardware, manifest: Manifest) -> TierChoice:
    """The largest tier that the machine has everything for."""
    chosen = max(at for at, tier in enumerate(manifest.tiers) if not any(_lacking(hardware, tier)))
    tier = manifest.tiers[chosen]
    reasons = [_what_it_has(hardware)]
    for larger in manifest.tiers[chosen + 1 : chosen + 2]:
        reasons += [f"Not {larger.name}: {why}." for why in _lacking(hardware, larger)]
    if hardware.bandwidth is None and any(each.bandwidth_gb_s for each in manifest.tiers):
        reasons.append("Memory bandwidth was not measured and does not count.")
    return TierChoice(tier=tier, reasons=tuple(reasons), models=tuple(_proposals(hardware, manifest, tier)))


def _what_it_has(hardware: Hardware) -> str:
    memory = format_bytes(hardware.usable_memory_bytes)
    limited = (
        " (limited by its control group)" if hardware.usable_memory_bytes < hardware.memory_bytes else ""
    )
    cores = f"{hardware.usable_cores:g} core{'s' if hardware.usable_cores != 1 else ''}"
    quota = " (limited by quota)" if hardware.usable_cores < hardware.cpus.cores else ""
    speed = (
        f", {hardware.bandwidth.read_bytes_s / 1e9:.1f} GB/s of memory bandwidth"
        if hardware.bandwidth
        else ""
    )
    return f"It has {memory} of memory{limited}, {cores}{quota}{speed}."


def _lacking(hardware: Hardware, tier: Tier) -> Iterator[str]:
    """What of a tier's needs the machine does not have, one clause each."""
    if (memory := hardware.usable_memory_bytes) < tier.memory_mib * MIB:
        yield f"it needs {format_bytes(tier.memory_mib * MIB)} of memory, here are {format_bytes(memory)}"
    if (cores := hardware.usable_cores) < tier.cores:
        yield f"it needs {tier.cores} cores, here are {cores:g}"
    if lacking := sorted(set(tier.instructions) - hardware.processor.instructions):
        yield f"the processor lacks {', '.join(lacking)}"
    if tier.bandwidth_gb_s and hardware.bandwidth:
        measured = hardware.bandwidth.read_bytes_s / 1e9
        if measured < tier.bandwidth_gb_s:
            yield f"it needs {tier.bandwidth_gb_s:g} GB/s of memory bandwidth, here are {measured:.1f}"


def _proposals(hardware: Hardware, manifest: Manifest, tier: Tier) -> Iterator[Proposal]:
    purposes: dict[str, list[Purpose]] = {}
    for purpose, model_id in tier.models.by_purpose():
        purposes.setdefault(model_id, []).append(purpose)
    for model_id, wanted in purposes.items():
        model = manifest.find(model_id)
        speed = hardware.bandwidth.read_bytes_s if hardware.bandwidth else None
        yield Proposal(
            model=model,
            purposes=tuple(wanted),
            memory_bytes=memory_needed(model) or 0,
            ceiling=speed_ceiling(model, speed) if speed else None,
            ceiling_full=speed_ceiling(model, speed, CONTEXT_TOKENS) if speed else None,
        )
