"""`make demo`: the real command, the real daemon, a machine that is not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.services

SCRIPT = """\
sigmavault machine show --json
echo ---
sigmavault machine reboot --delay-minutes 5 --yes
echo ---
sigmavault machine show --json
"""


def demo(machine: str, script: str) -> subprocess.CompletedProcess[str]:
    program = f"import sys; from scripts.demo import main; sys.exit(main([{machine!r}]))"
    return subprocess.run(
        [sys.executable, "-c", program], input=script, capture_output=True, text=True, timeout=60, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.fspath(ROOT)}, check=False,
    )  # fmt: skip


def test_what_is_done_to_a_simulated_machine_is_seen_on_it_and_nowhere_else() -> None:
    done = demo("home", SCRIPT)
    assert done.returncode == 0, done.stderr
    before, said, after = done.stdout.split("---\n")
    assert json.loads(before)["scheduled"] is None
    assert "Reboot this machine in 5 min" in said + done.stderr
    assert json.loads(after)["scheduled"]["power"] == "reboot"
    assert done.stderr.count("SIMULATED MACHINE") == 3
    assert not Path("/run/systemd/shutdown/scheduled").exists()


def test_the_daemon_refuses_to_serve_a_simulated_machine_as_the_real_service() -> None:
    machine = ROOT / "services/sigmavault/simulated/machines/home.yaml"
    argv: list[str | Path] = [ROOT / "services/data/usr/libexec/sigmavault/hostd", "--simulate", machine]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.fspath(ROOT / "services")}
    for extra in (
        {},
        {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere", "NOTIFY_SOCKET": "/run/systemd/notify"},
    ):
        done = subprocess.run(argv, env=env | extra, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 2
        assert "never served on the real system bus" in done.stderr


def test_a_machine_that_nobody_described_is_told_with_those_that_are() -> None:
    done = demo("nonsense", "")
    assert done.returncode != 0
    assert "known: degraded, home" in done.stderr
