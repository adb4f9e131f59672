"""The verb `bench-ryzan`: make what the comparison needs, then run it."""

from __future__ import annotations

import argparse
import json
import os

import yaml

from scripts.bench.measure import commit_of
from scripts.bench.ryzan import gemma
from scripts.bench.ryzan.llama_server import llama_server
from scripts.session import Session
from scripts.spec.load import load_spec
from scripts.stages.model import embedded_model
from scripts.stages.wheels import runtime

_SMOLLM2_KV_BYTES = 23040
"""Keys and values of a token: 30 layers, three heads of 64, both, two bytes each."""


def bench_ryzan(session: Session, arguments: argparse.Namespace) -> int:
    """Measure the model service beside llama-server."""
    spec = load_spec(session.paths.source)
    libraries = runtime(session, spec.suite)
    chat, base = embedded_model(session, spec.model), gemma.gemma(session)
    manifest = yaml.safe_load((session.paths.source / "models-manifest.yaml").read_text(encoding="utf-8"))
    entry = next(each for each in manifest["models"] if each["id"] == spec.model)
    wanted = {
        "commit": commit_of(session.paths.source, session.runner),
        "runtime": os.fspath(libraries),
        "program": os.fspath(llama_server(session, libraries)),
        "models": [
            {"id": spec.model, "file": os.fspath(chat), "sha256": entry["sha256"], "chat": "yes",
             "kv_bytes": _SMOLLM2_KV_BYTES},
            {"id": f"local/{base.stem}", "file": os.fspath(base), "sha256": gemma.SHA256, "chat": "no",
             "kv_bytes": gemma.KV_BYTES},
        ],
    }  # fmt: skip
    env = {"SIGMAVAULT_BENCH": json.dumps(wanted), "PYTHONPATH": "services"}
    command = ["python3", "-m", "tests.bench", *arguments.rest]
    return session.runner.status(command, cwd=session.paths.source, env=env)
