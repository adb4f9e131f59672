"""The assistant's worker, as the window meets it where something is wrong. No session is needed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from sigmavault.cli.exit_code import ExitCode
from sigmavault.desktop.setup.contract import Report, Request

WORKER = "/usr/libexec/sigmavault/setup-worker"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A place of its own for the journal, and a bus that is not there."""
    return {
        "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1",
        "SIGMAVAULT_SETUP": os.fspath(tmp_path), "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/none",
    }  # fmt: skip


def test_what_is_no_request_is_refused_without_quoting_it(env: dict[str, str]) -> None:
    done = subprocess.run(
        WORKER, input='{"password": "horse"', env=env, capture_output=True, text=True, check=False
    )
    assert Report.model_validate_json(done.stdout).error == "no request of the assistant"
    assert "horse" not in done.stdout + done.stderr


def test_a_window_that_is_gone_ends_it_quietly(env: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        WORKER, input=Request(do="look").model_dump_json(), env=env, stdout=writing, stderr=subprocess.PIPE,
        text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (ExitCode.READER_GONE, "")
