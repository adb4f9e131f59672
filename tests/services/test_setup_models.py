"""`sigmavault setup` with models: the real model downloads and host daemon, a server that can be slow."""

# ruff: noqa: F811  # fixtures come by import

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.services.command_line import PROGRAM
from tests.services.daemon import MODELS_USER
from tests.services.model_server import ModelServer
from tests.services.models_daemon import ModelsDaemon
from tests.services.models_fixtures import (  # noqa: F401
    DATASET,
    LARGE,
    TINY,
    begin,
    daemon,
    environment,
    host,
    server,
    sigmavault,
    slow,
)


def answers(daemon: ModelsDaemon, **told: Any) -> list[str]:
    file = daemon.folder / "answers.yaml"
    file.write_text(yaml.safe_dump(told))
    return ["setup", "--answers", os.fspath(file)]


def test_a_model_comes_into_a_dataset_of_its_own_also_after_kills(
    daemon: ModelsDaemon, server: ModelServer, host: Path
) -> None:
    begin(daemon, server)
    target = host / "models"
    target.mkdir()
    sigmavault(daemon, "dataset", "create", DATASET, "--preset", "models", "--yes")
    shutil.chown(target, MODELS_USER)
    slow(server)
    argv = answers(daemon, models=["tiny", "large"])
    env = {**environment(daemon), "SIGMAVAULT_SETUP": os.fspath(daemon.folder)}
    for _ in range(3):
        with subprocess.Popen([*PROGRAM, *argv], env=env, stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout
            next(line for line in run.stdout if line.startswith("> Download the model"))
            run.kill()
    done = subprocess.run(
        [*PROGRAM, *argv], env=env, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (target / "tiny.gguf").read_bytes() == TINY
    assert (target / "large.gguf").read_bytes() == LARGE
    fetched = [each for each in server.requests if "tiny" in each.path]
    assert len(fetched) == 1, "what is here is not fetched again"
    again = subprocess.run(
        [*PROGRAM, *argv], env=env, capture_output=True, text=True, check=False, timeout=300
    )
    assert again.stdout.count("(is so already)") == 2


def test_a_model_that_nobody_knows_is_told_and_the_rest_is_done(
    daemon: ModelsDaemon, server: ModelServer, host: Path
) -> None:
    begin(daemon, server)
    env = {**environment(daemon), "SIGMAVAULT_SETUP": os.fspath(daemon.folder)}
    argv = answers(daemon, host_name="attic", models=["unicorn"], models_on_system_disk=True)
    done = subprocess.run(
        [*PROGRAM, *argv], env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert "Download the model unicorn: " in done.stdout
    assert "unicorn" in done.stderr + done.stdout
    assert "+ Call this machine attic" in done.stdout
