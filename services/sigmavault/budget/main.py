"""Computes and applies the budgets of this machine, once per boot."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from sigmavault.core.budget import (
    Budget,
    Machine,
    budget_record,
    compute_budget,
    merge_shares,
    parse_meminfo,
)
from sigmavault.core.errors import ConfigError, SigmaVaultError
from sigmavault.system.run import run

CONFIGS = (Path("usr/lib/sigmavault/budget.toml"), Path("etc/sigmavault/budget.toml"))
"""The weakest first; the second one may be missing."""

RECORD = Path("run/sigmavault/budget.json")
MODPROBE_CONF = Path("run/modprobe.d/sigmavault-zfs.conf")
ARC_MAX = Path("sys/module/zfs/parameters/zfs_arc_max")
SLICE = "sigmavault-ai.slice"


def read_layers(root: Path) -> list[tuple[str, Mapping[str, object]]]:
    """The configuration files that exist, parsed.

    Raises:
        ConfigError: one of them is no TOML.
    """
    layers: list[tuple[str, Mapping[str, object]]] = []
    for path in CONFIGS:
        if not (root / path).exists():
            continue
        try:
            layers.append((f"/{path}", tomllib.loads((root / path).read_text("utf-8"))))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"/{path}: {error}") from error
    return layers


def read_machine(root: Path) -> Machine:
    """The machine we run on."""
    return Machine(
        cpus=os.cpu_count() or 1,
        memory_bytes=parse_meminfo((root / "proc/meminfo").read_text("ascii")),
    )


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
    parameter = root / ARC_MAX
    if not parameter.exists():
        return
    parameter.write_text(str(budget.arc_max_bytes), "ascii")
    taken = int(parameter.read_text("ascii"))
    if taken != budget.arc_max_bytes:
        raise SigmaVaultError(f"zfs_arc_max is {taken} after {budget.arc_max_bytes} was written")


def apply_slice(budget: Budget) -> None:
    """Set the limits of the model's slice until the next boot."""
    run(["systemctl", "set-property", "--runtime", SLICE, *budget.slice_properties()], timeout_s=30)


def main(root: Path = Path("/")) -> int:
    """Compute, apply, record; the exit code of the service."""
    try:
        machine, shares = read_machine(root), merge_shares(read_layers(root))
        budget = compute_budget(machine, shares)
        apply_arc(root, budget)
        apply_slice(budget)
        record = budget_record(machine, shares, budget)
        write_atomically(root / RECORD, json.dumps(record, indent=2) + "\n")
    except (SigmaVaultError, OSError, ValueError) as error:
        sys.stderr.write(f"<3>budget not applied: {error}\n")
        return error.exit_code if isinstance(error, SigmaVaultError) else 1
    sys.stderr.write(
        f"<6>model: {budget.cpu_quota_percent} % CPU, {budget.memory_max_bytes} bytes;"
        f" ARC: {budget.arc_max_bytes} bytes\n"
    )
    return 0
