from __future__ import annotations

from typing import Any

import pytest
from sigmavault.cli.governor_report import bars, render
from sigmavault.cli.paint import Paint

NOW = 1_800_000_000.0
PRESSURE = {"cpu": 0.12, "io": 0.0, "memory": 0.0}
TOLD: dict[str, Any] = {
    "since": NOW - 125, "state": "serving", "cause": "files are served: SMB 80.0 MiB/s", "cpu_percent": 30,
    "cpu_quota_percent": 60, "is_applied": True,
    "now": {"smb_bytes_per_s": 80 * 2**20, "smb_cpu": 0.6, "nfs_bytes_per_s": None, "nfs_calls_per_s": None,
            "idle": 0.3, "machine": PRESSURE, "files": PRESSURE, "model": None, "scan": "none"},
    "arc": {"size": 2**29, "most": 2**30, "lent": 0},
    "history": {
        "row_seconds": 10,
        "rows": [{"cpu_percent": 80, "bytes_per_s": 0, "pressure_percent": 0, "idle_percent": 90}] * 60
        + [{"cpu_percent": 30, "bytes_per_s": 80 * 2**20, "pressure_percent": None, "idle_percent": 20}] * 60,
        "changes": [{"at": NOW - 125, "state": "serving", "cause": "files are served", "cpu_percent": 30}],
    },
}  # fmt: skip


def shown(width: int = 100, **more: object) -> list[str]:
    return list(render({**TOLD, **more}, now=NOW, width=width, paint=Paint(is_on=False)))


def test_it_says_what_the_model_gets_since_when_and_why() -> None:
    lines = shown()
    assert lines[0] == "The model may use 30 % of the CPU time of this machine, since 2 min 5 s:"
    assert lines[1] == "  files are served: SMB 80.0 MiB/s"
    assert "SMB           80.0 MiB/s, 60 % of a core" in lines
    assert "ZFS cache     512 MiB of 1.00 GiB" in lines
    assert "file serving  waits for cpu 12 %, io 0 %, memory 0 % of the time" in lines


def test_what_nobody_can_tell_is_told_as_that() -> None:
    assert "NFS           not known" in shown()
    assert any("·" in line for line in shown() if line.startswith("waiting"))


@pytest.mark.parametrize("width", [20, 60, 80, 300])
def test_the_plot_fits_the_terminal_and_shows_the_fall(width: int) -> None:
    (model,) = [line for line in shown(width) if line.startswith(("model         ▇", "model         ▁"))]
    assert len(model) <= max(width, 47)
    assert "▇" in model
    assert "▃" in model


def test_what_systemd_has_not_taken_is_said() -> None:
    assert any("systemd has not taken it yet" in line for line in shown(is_applied=False))


def test_a_governor_that_has_just_begun_says_so() -> None:
    assert shown(cpu_percent=None, now=None) == ["The governor has just begun to look."]


def test_a_cause_cannot_write_to_the_terminal() -> None:
    assert "\x1b" not in "".join(shown(cause="a\x1b[2Jb"))


def test_bars_of_nothing_are_flat() -> None:
    assert bars([0, 0, None], 0) == "▁▁·"
    assert bars([0, 50, 100], 100) == "▁▅█"
