"""Asks disks how they are, with smartctl: one for each call, and never waking a disk that stands still.

| what | command |
|---|---|
| `check` | `smartctl --json=c --all --nocheck=standby -- /dev/disk/by-id/NAME` |
| `self_test` | `smartctl --test=short -- /dev/disk/by-id/NAME` (or `long`) |
| `abort_self_test` | `smartctl --abort -- /dev/disk/by-id/NAME` |

What a disk said is kept below `/var/lib/sigmavault/hostd/smart`, so that a list of disks needs no smartctl.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from sigmavault.core.errors import CommandError, CommandMissingError, CommandTimeoutError
from sigmavault.core.operation import Machine
from sigmavault.core.storage.disks import Disk
from sigmavault.core.storage.smart import Health, Report, Verdict
from sigmavault.core.storage.smart_report import parse_report

SMARTCTL: Final = ("smartctl", "--json=c", "--all", "--nocheck=standby", "--")
TIMEOUT_S: Final = 20.0

_FOLDER: Final = "var/lib/sigmavault/hostd/smart"
_KEPT: Final = frozenset({Verdict.PASSED, Verdict.WARNING, Verdict.FAILED, Verdict.UNSUPPORTED})


def check(machine: Machine, disk: Disk) -> Report:
    """What the disk says now; what it says of its health is kept.

    A disk that cannot be asked is a report that says why, with the verdict `unknown`.
    """
    try:
        done = machine.run((*SMARTCTL, disk.by_id or disk.path), timeout_s=TIMEOUT_S, check=False)
    except CommandMissingError:
        return _silent("smartctl is not installed")
    except CommandTimeoutError:
        return _silent(f"it did not answer within {TIMEOUT_S:g} s")
    except CommandError as error:
        return _silent(error.message)
    report = parse_report(done.stdout, done.status)
    if report.verdict in _KEPT:
        _keep(machine, disk.name, health_of(report, machine.now()))
    return report


def with_health(machine: Machine, disk: Disk) -> Disk:
    """The disk, asked now; one that cannot be asked keeps what it said before."""
    report = check(machine, disk)
    if report.verdict not in _KEPT:
        return disk
    return replace(disk, health=health_of(report, machine.now()))


def self_test(disk: Disk, length: str) -> tuple[str, ...]:
    """The command that starts a self-test."""
    return ("smartctl", f"--test={length}", "--", disk.by_id or disk.path)


def abort_self_test(disk: Disk) -> tuple[str, ...]:
    """The command that ends a self-test."""
    return ("smartctl", "--abort", "--", disk.by_id or disk.path)


def health_of(report: Report, now: float) -> Health:
    """What is kept of a report."""
    return Health(verdict=report.verdict, checked_at=now, concerns=report.concerns)


def remembered(machine: Machine, name: str) -> Health | None:
    """What the disk of a by-id name last said; None when it was never asked."""
    if not name:
        return None
    try:
        kept = json.loads((machine.root / _FOLDER / f"{name}.json").read_text("utf-8"))
        return Health(
            verdict=Verdict(kept["verdict"]), checked_at=float(kept["checked_at"]),
            concerns=tuple(str(each) for each in kept["concerns"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _silent(message: str) -> Report:
    return Report(verdict=Verdict.UNKNOWN, message=message, self_test_minutes={})


def _keep(machine: Machine, name: str, health: Health) -> None:
    """Write it down; that it cannot be is no reason not to answer."""
    if not name:
        return
    file = machine.root / _FOLDER / f"{name}.json"
    text = json.dumps(
        {"verdict": health.verdict, "checked_at": health.checked_at, "concerns": list(health.concerns)}
    )
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(file, text + "\n")


def _write(file: Path, text: str) -> None:
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    fresh.replace(file)
