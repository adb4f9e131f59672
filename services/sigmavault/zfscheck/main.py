"""Writes the console's notice about a missing ZFS module, or takes it away."""

from __future__ import annotations

import sys
from pathlib import Path

from sigmavault.core.zfs_module import diagnose, render_issue
from sigmavault.system.zfs_module import read_zfs_facts

ISSUE = Path("run/issue.d/50-sigmavault.issue")


def main(root: Path = Path("/")) -> int:
    """Look, and leave a notice if there is something to say; the exit code of the service."""
    diagnosis = diagnose(read_zfs_facts(root))
    issue = root / ISSUE
    if text := render_issue(diagnosis):
        issue.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        issue.write_text(text, "utf-8")
        sys.stderr.write(f"<4>{diagnosis.reason}\n")
    else:
        issue.unlink(missing_ok=True)
    return 0
