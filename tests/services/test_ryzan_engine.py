"""The batching engine on the real model: batching changes the speed, never the answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.services.daemon import SERVICES

HERE = Path(__file__).parent

PROMPTS = [
    "The capital of France is",
    "Once upon a time there was a small dragon who",
    "def fibonacci(n):\n    ",
    "To make a cup of tea, first",
    "The three primary colours are",
    "In 1969, Neil Armstrong",
    "A network attached storage is " * 12,  # read in several parts
    "Water boils at",
    "My favourite season is",
    "SELECT name FROM",
]

NEAR_TIE = 0.5
"""Logits. Kernels add up in another order for another batch size; where two tokens are closer than this,
either may win, and what follows is another answer. Quantised weights make the noise."""


def run(model: Path, runtime: Path, prompts: list[str], *, context: int, tokens: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, HERE / "engine_run.py", model, runtime, str(context), str(tokens)],
        input=json.dumps(prompts), capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": os.fspath(SERVICES), "OMP_WAIT_POLICY": "passive"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def assert_same(alone: list[list[Any]], together: list[list[Any]]) -> int:
    """Equal up to near-ties; returns how many tokens were compared."""
    compared = 0
    for single, batched in zip(alone, together, strict=True):
        for (token, margin), (other, _) in zip(single, batched, strict=False):
            if token != other:
                assert margin < NEAR_TIE, f"another token where the margin was {margin}"
                break
            compared += 1
    return compared


def test_greedy_answers_are_equal_alone_and_together(smollm2: Path, runtime: Path) -> None:
    result = run(smollm2, runtime, PROMPTS, context=4096, tokens=16)
    written = sum(len(each) for each in result["alone"])
    assert assert_same(result["alone"], result["together"]) > written / 2
    assert result["sent_back"] == 0
    # ten requests on eight sequences: far fewer steps than one answer after the other
    assert result["steps"] < written / 3


def test_full_context_sends_requests_back_and_finishes_them_all(smollm2: Path, runtime: Path) -> None:
    """Eight answers do not fit together into 256 tokens: some are computed a second time."""
    prompts = [prompt for prompt in PROMPTS if len(prompt) < 100]
    result = run(smollm2, runtime, prompts, context=256, tokens=40)
    assert result["sent_back"] > 0
    written = sum(len(each) for each in result["alone"])
    assert assert_same(result["alone"], result["together"]) > written / 2
