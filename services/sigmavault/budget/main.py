"""Computes and applies the budgets of this machine, once per boot."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from sigmavault.budget.here import limit_arc, read_layers, read_machine
from sigmavault.core.budget import Budget, budget_record, compute_budget, merge_shares
from sigmavault.core.cgroups import MODEL_SLICE
from sigmavault.core.errors import SigmaVaultError
from sigmavault.system.run import run

RECORD = Path("run/sigmavault/budget.json")
MODPROBE_CONF = Path("run/modprobe.d/sigmavault-zfs.conf")
UNWATCHED = "--unwatched"
"""Nobody watches the load: the model gets what it may have while files are served, and stays there."""


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)


def apply_arc(root: Path, budget: Budget) -> None:
    """Limit the ARC: through modprobe's configuration, and in the module if it is loaded already.

    Raises:
        SigmaVaultError: the loaded module did not take the limit.
    """
    write_atomically(root / MODPROBE_CONF, budget.modprobe_conf())
    limit_arc(root, budget.arc_max_bytes)


def apply_slice(budget: Budget, *, is_watched: bool = True) -> None:
    """Set the limits of the model's slice until the next boot."""
    properties = budget.slice_properties(is_watched=is_watched)
    run(["systemctl", "set-property", "--runtime", MODEL_SLICE, *properties], timeout_s=30)


def main(root: Path = Path("/"), argv: Sequence[str] | None = None) -> int:
    """Compute, apply, record; the exit code of the service."""
    is_watched = UNWATCHED not in (sys.argv[1:] if argv is None else argv)
    try:
        machine, shares = read_machine(root), merge_shares(read_layers(root))
        budget = compute_budget(machine, shares)
        apply_arc(root, budget)
        apply_slice(budget, is_watched=is_watched)
        record = budget_record(machine, shares, budget)
        write_atomically(root / RECORD, json.dumps(record, indent=2) + "\n")
    except (SigmaVaultError, OSError, ValueError) as error:
        sys.stderr.write(f"<3>budget not applied: {error}\n")
        return error.exit_code if isinstance(error, SigmaVaultError) else 1
    quota = budget.cpu_quota_percent if is_watched else budget.cpu_quota_serving_percent
    sys.stderr.write(
        f"<6>model: {quota} % CPU, {budget.memory_max_bytes} bytes; ARC: {budget.arc_max_bytes} bytes\n"
    )
    return 0
