"""What is kept of a machine for a person who looks at a failed run."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tests.vm.machine.errors import MachineError

if TYPE_CHECKING:
    from tests.vm.machine.machine import Machine

REPORTS = {
    "journal.txt": ("journalctl", "--boot", "--no-pager", "--output=short-monotonic"),
    "failed-units.txt": ("systemctl", "list-units", "--failed", "--no-pager", "--full"),
    "blame.txt": ("systemd-analyze", "blame", "--no-pager"),
    "critical-chain.txt": ("systemd-analyze", "critical-chain", "--no-pager"),
    "memory.txt": ("ps", "-eo", "rss,user:20,args", "--sort=-rss"),
}
"""File → the command whose output it holds."""


def collect(machine: Machine) -> None:
    """Save reports and the screen of a running machine; what cannot be had is left out."""
    with contextlib.suppress(MachineError):
        machine.screenshot("last")
        for name, argv in REPORTS.items():
            done = machine.execute(*argv, timeout_s=20)
            (machine.place.artefacts / name).write_text(done.out + done.err)
