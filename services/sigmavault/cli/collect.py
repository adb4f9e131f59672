"""Reads the state of this machine. What cannot be read is said so, and never made up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from sigmavault import __version__
from sigmavault.cli.ryzan import connect
from sigmavault.cli.status import (
    Model,
    Pool,
    Status,
    Unit,
    model_of,
    parse_pools,
    parse_units,
)
from sigmavault.core.errors import ServiceUnavailableError, SigmaVaultError
from sigmavault.core.zfs_module import ZfsState, diagnose
from sigmavault.system.run import run
from sigmavault.system.zfs_module import read_zfs_facts

UNITS = (
    "sigmavault-ryzan.service",
    "sigmavault-budget.service",
    "sigmavault-governor.service",
    "sigmavault-zfs-check.service",
    "smbd.service",
    "nfs-server.service",
    "avahi-daemon.service",
    "nftables.service",
    "ssh.service",
    "zfs-zed.service",
)
BUDGETS = Path("/run/sigmavault/budget.json")
TIMEOUT_S = 20.0


def collect() -> Status:
    """The state of this machine, now."""
    unread: list[str] = []

    def attempt[T](what: str, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except (SigmaVaultError, OSError, ValueError) as error:
            unread.append(f"{what}: {error}")
            return otherwise

    facts = read_zfs_facts()
    zfs = diagnose(facts)
    loaded = zfs.state is ZfsState.LOADED
    return Status(
        version=__version__,
        zfs=zfs,
        secure_boot=facts.secure_boot,
        pools=attempt("pools", read_pools, ()) if loaded else (),
        units=attempt("services", read_units, ()),
        model=attempt("model", read_model, Model(state="unreachable")),
        budgets=attempt("budgets", read_budgets, {}),
        unread=tuple(unread),
    )


def read_pools() -> tuple[Pool, ...]:
    """The imported pools."""
    argv = ["zpool", "list", "-Hp", "-o", "name,size,alloc,free,health"]
    return parse_pools(run(argv, timeout_s=TIMEOUT_S).stdout)


def read_units() -> tuple[Unit, ...]:
    """The services that make the product; those that are not installed are left out."""
    argv = ["systemctl", "show", "--property=Id,LoadState,ActiveState,SubState", "--", *UNITS]
    units = parse_units(run(argv, timeout_s=TIMEOUT_S).stdout)
    return tuple(unit for unit in units if unit.load != "not-found")


def read_model() -> Model:
    """What the model service says; it is not started for being asked."""
    return asyncio.run(_ask_model())


async def _ask_model() -> Model:
    with connect(quick=True) as ryzan:
        if not await ryzan.is_running():
            raise ServiceUnavailableError("the model service does not run")
        return model_of(await ryzan.status(), await ryzan.models())


def read_budgets() -> dict[str, dict[str, int]]:
    """What sigmavault-budget.service computed at this boot."""
    budgets: dict[str, dict[str, int]] = json.loads(BUDGETS.read_text("utf-8"))
    return budgets
