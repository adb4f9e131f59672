"""Which models fit into memory: pure arithmetic of what is there, what they take, and who has to go.

    room = min(share · MemAvailable + (ARC - its minimum), limit of the control group - what is charged)
           - reserve - what models that are there or on their way will still take

`MemAvailable` counts pages of mapped model files as free, because the kernel could drop them; a model that
computes needs them all. So each model claims its whole need, less what the kernel has booked as taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sigmavault.core.values import MIB

_PROCESS_BYTES = 48 * MIB
"""Interpreter and libraries in one process (measured with models of 1 and 5 MB: 43 to 48 MiB, all told)."""

_COMPUTE_LEAST_BYTES = 32 * MIB
_COMPUTE_SHARE = 16
"""Buffers of one step: a sixteenth of the weights, and some for the smallest (measured: SmolLM2, 30 MiB)."""

_CONTEXT_LEAST = 2048
_KV_UNKNOWN_SHARE = 64 * 1024
"""Of weights for each byte that a token's keys and values take, where the file does not tell: what dense
models without shared keys have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The machine's memory at one moment, in bytes.

    Attributes:
        available: MemAvailable.
        arc: what the ZFS cache holds; 0 without ZFS.
        arc_least: what it never shrinks below.
        group_left: limit of the tightest control group less what is charged and cannot be dropped; None:
            no limit.
    """

    available: int
    arc: int = 0
    arc_least: int = 0
    group_left: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What models may take, of whatever there is.

    Attributes:
        available_percent: share of MemAvailable.
        most: bytes of all models together; 0: no limit.
        reserve: bytes that are left alone.
    """

    available_percent: int = 90
    most: int = 0
    reserve: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What is known of a model before it is loaded.

    Attributes:
        file: size of its file, in bytes.
        context: longest context it was trained for, in tokens.
        kv_per_token: bytes of keys and values per token; None where nobody knows.
        measured: resident bytes at 4,096 tokens, where somebody measured; else None.
    """

    file: int
    context: int
    kv_per_token: int | None = None
    measured: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a model's process is made.

    Attributes:
        context: tokens that all its requests together may hold.
        reuse: bytes for the states of prompts.
        need: bytes of the whole process.
    """

    context: int
    reuse: int
    need: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A model that is in memory or on its way there.

    Attributes:
        id: of the model.
        need: bytes that it takes when it computes.
        held: bytes that the kernel has booked for its process and cannot drop.
        used: when it was asked last; larger is later.
        busy: whether it has requests, or is being loaded.
        pinned: whether it must stay.
    """

    id: str
    need: int
    held: int
    used: float
    busy: bool
    pinned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """It fits now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evict:
    """It fits once these are gone; least recently used first."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """It fits once models that are busy now have ended."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """It does not fit beside what must stay."""

    reason: str


type Decision = Admit | Evict | Wait | Refuse


def room(memory: Memory, budget: Budget, residents: Sequence[Resident]) -> int:
    """Bytes that one more model may take; negative when there is too little already."""
    host = memory.available * budget.available_percent // 100 + max(0, memory.arc - memory.arc_least)
    ceiling = host if memory.group_left is None else min(host, memory.group_left)
    free = ceiling - budget.reserve - sum(max(0, each.need - each.held) for each in residents)
    if budget.most:
        free = min(free, budget.most - sum(each.need for each in residents))
    return free


def decide(need: int, memory: Memory, budget: Budget, residents: Sequence[Resident]) -> Decision:
    """Whether a model that needs so many bytes may be loaded, and who has to go first.

    Idle models go, the least recently used one first, and no more of them than necessary.
    """
    free = room(memory, budget, residents)
    if need <= free:
        return Admit()
    leaving: list[Resident] = []
    for each in sorted((each for each in residents if not each.pinned), key=lambda each: each.used):
        if each.busy:
            continue
        leaving.append(each)
        if need <= free + sum(each.need for each in leaving):
            return Evict(ids=_spared(need - free, leaving))
    movable = free + sum(each.need for each in residents if not each.pinned)
    reason = f"needs {_spell(need)}, {_spell(max(0, movable))} can be made free for models"
    if need <= movable:
        return Wait(reason=f"needs {_spell(need)}, which models that are answering hold")
    return Refuse(reason=reason)


def _spared(lacking: int, leaving: Sequence[Resident]) -> tuple[str, ...]:
    """Those of the leaving that really must: a small one may stay when a later, larger one goes anyway."""
    needed = list(leaving)
    for each in leaving:
        if sum(other.need for other in needed) - each.need >= lacking:
            needed.remove(each)
    return tuple(each.id for each in needed)


def need_bytes(weight: Weight, *, context: int, reuse: int) -> int:
    """Bytes that a model's process takes when it computes."""
    kv = kv_per_token(weight)
    if weight.measured is not None:
        return weight.measured + kv * max(0, context - 4096) + reuse
    compute = max(_COMPUTE_LEAST_BYTES, weight.file // _COMPUTE_SHARE)
    return weight.file + kv * context + compute + _PROCESS_BYTES + reuse


def kv_per_token(weight: Weight) -> int:
    """Bytes of keys and values per token; guessed from the size where nobody knows."""
    if weight.kv_per_token is not None:
        return weight.kv_per_token
    return weight.file // _KV_UNKNOWN_SHARE


def choose_size(weight: Weight, *, context: int, reuse: int, free: int) -> Size:
    """The largest size up to what is wanted that fits; the smallest one when none does.

    Prompt states give way first, then the context, by halves.

    Args:
        weight: of the model.
        context: wanted, in tokens; never more than it was trained for.
        reuse: wanted for prompt states, in bytes.
        free: bytes that it may take.
    """
    tokens = min(context, weight.context)
    least = min(_CONTEXT_LEAST, tokens)
    while True:
        bare = need_bytes(weight, context=tokens, reuse=0)
        if bare <= free or tokens <= least:
            kept = min(reuse, max(0, free - bare))
            return Size(context=tokens, reuse=kept, need=bare + kept)
        tokens = max(least, tokens // 2)


def _spell(size: int) -> str:
    return f"{size / MIB:,.0f} MiB"
