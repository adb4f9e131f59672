"""Starts `native_run.py`: llama.cpp itself on tiny models, natively or on an emulated CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parent / "native_run.py"


@dataclass(frozen=True, slots=True)
class Ran:
    """What llama.cpp did: results by model, and the modules of ggml that did it."""

    results: dict[str, list[dict[str, Any]]]
    backends: list[str]


def command(mode: str, runtime: Path, models: Sequence[Path]) -> list[str]:
    return [sys.executable, "-P", os.fspath(SCRIPT), mode, os.fspath(runtime), *map(str, models)]


def run(argv: Sequence[str], job: dict[str, Any], *, timeout_s: float = 120) -> Ran:
    done = subprocess.run(
        argv, input=json.dumps(job), capture_output=True, text=True, check=False, timeout=timeout_s,
        env={**os.environ, "OMP_WAIT_POLICY": "passive"},
    )  # fmt: skip
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"
    return Ran(**json.loads(done.stdout))
