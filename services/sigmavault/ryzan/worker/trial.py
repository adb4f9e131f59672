"""How fast this model is on this machine with so many threads: a short trial when it is loaded."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sigmavault.ryzan.worker.llama import Llama, Span

_BUDGET_S = 1.2
_ROUNDS = 4
_STEPS = 3

_UNDISTURBED = 0.85
"""Threads that got less than this share of a CPU each had to share it: the trial says nothing then."""


def try_threads(llama: Llama, counts: Sequence[int], *, prefill: int) -> dict[int, float]:
    """Tokens per second of one answer by thread count; empty when there is no choice or no quiet.

    The counts take turns and the best step counts: a moment's disturbance hits all of them alike, and
    nothing makes a step faster than it can be.
    """
    best: dict[int, float] = {}
    wall, cpu, position = 0.0, 0.0, 0
    began = time.monotonic()
    for _ in range(_ROUNDS):
        for count in counts:
            llama.set_threads(count, prefill)
            for step in range(_STEPS):
                taken, used = _step(llama, position)
                position += 1
                if step == 0:
                    continue  # threads wake up
                best[count] = min(best.get(count, taken), taken)
                wall, cpu = wall + taken * count, cpu + used
        if time.monotonic() - began > _BUDGET_S * _ROUNDS / (_ROUNDS + 1):
            break
    llama.forget(0)
    if not wall or cpu / wall < _UNDISTURBED:
        return {}
    return {count: 1 / seconds for count, seconds in best.items()}


def _step(llama: Llama, position: int) -> tuple[float, float]:
    """Seconds on the clock and of CPU time that one step takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    llama.decode([Span(tokens=[0], position=position, sequence=0, output=True)])
    return time.perf_counter() - wall, time.process_time() - cpu
