"""The files of a simulated machine: what operations look at below its root."""

from __future__ import annotations

from pathlib import Path

from sigmavault.simulated.block import partition_name, partitions_of
from sigmavault.simulated.state import Disk, State

_FOLDERS = ("sys/module/zfs", "proc/spl/kstat/zfs", "dev/disk/by-id", "etc/sigmavault", "var/lib/sigmavault")
_BOOT = "51ab0000-0000-4000-8000-51a0000b0070"


def write(root: Path, state: State) -> None:
    """Make the files say what the state says."""
    for folder in (
        "sys/module/zfs",
        "proc/spl/kstat/zfs",
        "dev/disk/by-id",
        "etc/sigmavault",
        "var/lib/sigmavault",
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
    _text(root / "proc/sys/kernel/random/boot_id", _BOOT)
    _text(root / "proc/sys/kernel/hostname", f"simulated-{state.description.name}")
    _text(root / "proc/sys/kernel/osrelease", "6.12.0-simulated")
    _text(root / "proc/uptime", "86400.00 100000.00")
    _text(root / "etc/passwd", "root:x:0:0:root:/root:/bin/bash")
    _text(root / "etc/group", "root:x:0:")
    _text(root / "proc/swaps", "Filename\tType\tSize\tUsed\tPriority")
    for disk in state.disks.values():
        _device(root, state, disk)
    for pool in state.imported():
        _text(root / "proc/spl/kstat/zfs" / pool.name / "state", pool.state)


def _device(root: Path, state: State, disk: Disk) -> None:
    device = root / "sys/block" / disk.kname / "device"
    device.mkdir(parents=True, exist_ok=True)
    if disk.described.temperature_c is not None:
        _text(device / "hwmon/hwmon0/temp1_input", str(disk.described.temperature_c * 1000))
    _link(root, disk.kname, disk.name)
    for place, _partition in enumerate(partitions_of(state, disk), 1):
        _link(root, partition_name(disk, place), f"{disk.name}-part{place}")


def _link(root: Path, kname: str, name: str) -> None:
    _text(root / "dev" / kname, "")
    link = root / "dev/disk/by-id" / name
    if not link.is_symlink():
        link.symlink_to(f"../../{kname}")


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n" if text else "", "utf-8")
