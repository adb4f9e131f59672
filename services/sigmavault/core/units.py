"""Services that a person may see and restart through SigmaVault, and how systemd tells their state. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from sigmavault.core.operation import Value
from sigmavault.core.operation.arguments import Unit


class Service(StrEnum):
    """The services of the list, by the names that people use."""

    SMB = "smb"
    NFS = "nfs"
    DISCOVERY_WINDOWS = "discovery-windows"
    DISCOVERY_MAC = "discovery-mac"
    MODEL = "model"
    ZFS_EVENTS = "zfs-events"
    SSH = "ssh"
    FIREWALL = "firewall"


UNITS: dict[Service, str] = {
    Service.SMB: "smbd.service",
    Service.NFS: "nfs-server.service",
    Service.DISCOVERY_WINDOWS: "wsdd2.service",
    Service.DISCOVERY_MAC: "avahi-daemon.service",
    Service.MODEL: "sigmavault-ryzan.service",
    Service.ZFS_EVENTS: "zfs-zed.service",
    Service.SSH: "ssh.service",
    Service.FIREWALL: "nftables.service",
}
"""The unit of each service. hostd is not among them: who restarts it loses the answer."""

INTERRUPTS: dict[Service, str] = {
    Service.SMB: "people who work on Windows shares are disconnected for a moment; unsaved files may be lost",
    Service.NFS: "NFS clients wait for about 90 seconds until the server has taken them back",
    Service.MODEL: "answers that are being written end with an error; the model is loaded again when asked",
    Service.FIREWALL: "the rules are loaded anew; connections that they allow go on",
}
"""What a restart does to those who use it, where that is anything."""

PROPERTIES = ("Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "InvocationID", "NRestarts",
              "ActiveEnterTimestamp", "MemoryCurrent")  # fmt: skip


class UnitState(Value):
    """One service, as systemd has it (systemd.unit(5), org.freedesktop.systemd1(5)).

    Attributes:
        service: its name here.
        unit: its unit.
        state: `active`, `inactive`, `failed`, `activating`, `deactivating`, `reloading`, or `not-installed`.
        detail: finer: `running`, `dead`, `exited`, …
        enabled: whether it starts with the machine; None when that is nobody's choice (static units).
        since: when it became active, ISO 8601, UTC; None when it never was.
        restarts: how often systemd had to start it again.
        memory_bytes: of all its processes; None when nobody counts.
    """

    service: Service
    unit: str
    state: str
    detail: str
    enabled: bool | None
    since: str | None
    restarts: int
    memory_bytes: Annotated[int, Unit("bytes")] | None


def parse(text: str) -> dict[str, dict[str, str]]:
    """Properties by unit out of `systemctl show`, whose blocks are divided by an empty line."""
    blocks = (block.splitlines() for block in text.strip().split("\n\n"))
    found = (dict(line.partition("=")[::2] for line in lines if "=" in line) for lines in blocks)
    return {each["Id"]: each for each in found if "Id" in each}


def _iso(text: str) -> str | None:
    """`Sun 2026-11-22 14:00:01 UTC`, as `--timestamp=utc` writes it; None for anything else."""
    try:
        return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC").isoformat() + "Z"
    except ValueError:
        return None


def state_of(service: Service, told: dict[str, str]) -> UnitState:
    """A service out of its unit's properties; what systemd does not tell is None, never made up."""
    installed = told.get("LoadState") not in {None, "not-found"}
    memory = told.get("MemoryCurrent", "")
    enabled = {"enabled": True, "enabled-runtime": True, "disabled": False, "masked": False}
    return UnitState(
        service=service, unit=UNITS[service],
        state=told.get("ActiveState", "unknown") if installed else "not-installed",
        detail=told.get("SubState", "") if installed else "",
        enabled=enabled.get(told.get("UnitFileState", "")),
        since=_iso(told.get("ActiveEnterTimestamp", "")),
        restarts=int(restarts) if (restarts := told.get("NRestarts", "")).isdecimal() else 0,
        # systemd writes `[not set]` or 2**64 - 1 where it does not count
        memory_bytes=int(memory) if memory.isdecimal() and int(memory) < 2**63 else None,
    )  # fmt: skip
