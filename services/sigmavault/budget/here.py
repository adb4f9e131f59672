"""What is configured on this machine, and what that is here."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from sigmavault.core.budget import Machine, parse_meminfo
from sigmavault.core.errors import ConfigError, SigmaVaultError

CONFIGS = (
    Path("usr/lib/sigmavault/budget.toml"),
    Path("etc/sigmavault/budget.toml"),
    Path("etc/sigmavault/governor.toml"),
)
"""Of the package, the image and the administrator: the weakest first, all but the first may be missing."""

ARC_MAX = Path("sys/module/zfs/parameters/zfs_arc_max")


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


def limit_arc(root: Path, size: int) -> None:
    """Tell the ZFS module, if it is loaded, how large the ARC may be, in bytes.

    Raises:
        SigmaVaultError: the module did not take the limit.
    """
    parameter = root / ARC_MAX
    if not parameter.exists():
        return
    parameter.write_text(str(size), "ascii")
    taken = int(parameter.read_text("ascii"))
    if taken != size:
        raise SigmaVaultError(f"zfs_arc_max is {taken} after {size} was written")
