"""Threads of a model process: what decided their number, and what becomes of them when the quota changes."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sigmavault.core.chat import GenerateRequest, Sampling, Text

from tests.services.worker_link import worker

PATIENCE_S = 20.0
"""It looks at what it may use each second, and a fast machine answers in less."""
LONG = GenerateRequest(
    prompt=Text(text="Once upon a time"),
    sampling=Sampling(
        temperature=0, top_p=1, top_k=0, min_p=0, seed=1, logit_bias=((0, -100.0), (2, -100.0))
    ),
    max_tokens=150,
)


def test_process_tells_threads_and_their_reason(smollm2: Path, runtime: Path) -> None:
    with worker(smollm2, runtime) as link:
        assert 1 <= link.loaded.threads <= len(os.sched_getaffinity(0))
        assert "CPU" in link.loaded.threads_reason or "core" in link.loaded.threads_reason


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one CPU: there is nothing to take away")
@pytest.mark.parametrize("tokens", [5, 150])
def test_threads_follow_what_the_process_may_use(smollm2: Path, runtime: Path, tokens: int) -> None:
    asked = replace(LONG, max_tokens=tokens)  # short answers: many end within the second between two looks
    with worker(smollm2, runtime) as link:
        for thread in Path(f"/proc/{link.process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {min(os.sched_getaffinity(0))})
        end = time.monotonic() + PATIENCE_S
        link.ask(asked)
        while link.wait_stats().threads > 1 and time.monotonic() < end:  # there is one after each answer
            link.ask(asked)
        assert link.stats is not None
        assert (link.stats.threads, link.stats.threads_reason.partition(";")[0]) == (1, "1 CPU")
