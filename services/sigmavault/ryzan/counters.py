"""What happened since the service started, for `/metrics`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Counters:
    """Numbers that only grow.

    Attributes:
        loads: models that became ready.
        load_failures: loads that ended with a reason instead.
        evictions: models unloaded to make room for another.
        idle_unloads: models unloaded because nobody asked.
        restarts: model processes that died and were started again.
        refused_busy: requests turned away because too many waited.
        refused_memory: loads refused for want of memory.
        failovers: requests that a local model answered because another server was gone.
        answer_hits: requests answered out of the answer cache.
        answer_near_hits: those of them that got the answer to a similar question.
        answer_misses: requests that might have been and were not.
        answer_tokens_saved: of prompts and answers that the answer cache spared.
        answers_stored: answers that were kept.
        answers_evicted: kept answers that had to go, for their age or for others.
    """

    loads: int = 0
    load_failures: int = 0
    evictions: int = 0
    idle_unloads: int = 0
    restarts: int = 0
    refused_busy: int = 0
    refused_memory: int = 0
    failovers: int = 0
    answer_hits: int = 0
    answer_near_hits: int = 0
    answer_misses: int = 0
    answer_tokens_saved: int = 0
    answers_stored: int = 0
    answers_evicted: int = 0
