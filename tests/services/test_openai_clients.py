"""Three major versions of OpenAI's official client, unmodified, against the running service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.services import models
from tests.services.daemon import USER, Ryzan, SystemBus

MODEL = "smollm2-135m-instruct"
KEY = "sk-test-4711"
RUN = Path(__file__).parent / "openai_run.py"
CHECKS = (
    "models", "chat", "stream", "logprobs", "choices", "answer_given_back", "tools", "streamed_tools",
    "parsed", "legacy_completions", "embeddings", "errors", "request_number", "failure_in_the_middle",
)  # fmt: skip


@pytest.fixture(scope="module")
def locked(
    system_bus: SystemBus, ryzan_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ryzan]:
    """The service, with an API key required."""
    folder = tmp_path_factory.mktemp("locked")
    keys = folder / "keys"
    keys.write_text(f"{KEY}\n")
    keys.chmod(0o600)
    subprocess.run(["chown", USER, keys], check=True)
    (folder / "ryzan.toml").write_text(f'[http]\napi_keys_file = "{keys}"\n[limits]\npauses_s = [0.2]\n')
    vectors = tmp_path_factory.mktemp("vectors")
    vectors.chmod(0o755)
    models.make("bert", vectors)
    folders = f"{ryzan_env['SIGMAVAULT_MODELS']}{os.pathsep}{vectors}"
    env = {**ryzan_env, "SIGMAVAULT_MODELS": folders, "SIGMAVAULT_CONFIG": os.fspath(folder)}
    service = Ryzan(bus=system_bus, folder=folder, env=env)
    try:
        service.wait_ready()
        service.wait_state("ready")
        yield service
    finally:
        service.stop()


def holder(service: Ryzan, file: str) -> str:
    """The process that holds this model."""
    tasks = Path(f"/proc/{service.process.pid}/task")
    children = [each for task in tasks.iterdir() for each in (task / "children").read_text().split()]
    (found,) = (each for each in children if file in Path(f"/proc/{each}/cmdline").read_text())
    return found


@pytest.fixture(scope="module", params=["1", "2", "3"])
def told(
    request: pytest.FixtureRequest, locked: Ryzan, clients: Mapping[str, Path], smollm2: Path
) -> dict[str, str]:
    """What one version of the client had to say, check by check."""
    locked.wait_state("ready")
    version: str = request.param
    path = {} if version == "1" else {"PYTHONPATH": os.fspath(clients[f"openai-{version}"])}
    done = subprocess.run(
        [sys.executable, RUN, locked.url, MODEL, KEY, holder(locked, smollm2.name)],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **path},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    assert found["version"].partition(".")[0] == version
    assert set(found) == {"version", *CHECKS}
    return found


@pytest.mark.parametrize("check", CHECKS)
def test_official_client(told: dict[str, str], check: str) -> None:
    assert told[check] == "ok", told[check]
