"""The files of a simulated machine: what operations look at below its root."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sigmavault.core.sharing.exports import FILE
from sigmavault.core.sharing.smb_conf import INCLUDE
from sigmavault.simulated import settings, sharing, zfs
from sigmavault.simulated.block import partition_name, partitions_of
from sigmavault.simulated.state import Disk, State
from sigmavault.system.files import read_or_empty

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
    _text(root / "proc/sys/kernel/hostname", state.host_name)
    settings.write(root, state)
    _text(root / "proc/sys/kernel/osrelease", "6.12.0-simulated")
    _text(root / "proc/uptime", "86400.00 100000.00")
    _text(root / "etc/passwd", sharing.passwd_text(state.users))
    _text(root / "etc/shadow", sharing.shadow_text(state.users))
    _text(root / "etc/group", sharing.group_text(state.groups, state.administrators))
    _text(root / "etc/samba/smb.conf", f"[global]\n   include = {INCLUDE}")
    _text(root / "proc/self/mountinfo", "\n".join(_mounts(state)))
    exports = read_or_empty(root / FILE.lstrip("/"))
    _text(root / "var/lib/nfs/etab", sharing.served(exports).rstrip("\n"))
    _text(root / "proc/swaps", "Filename\tType\tSize\tUsed\tPriority")
    for disk in state.disks.values():
        _device(root, state, disk)
    for pool in state.imported():
        _text(root / "proc/spl/kstat/zfs" / pool.name / "state", pool.state)


def _mounts(state: State) -> Iterator[str]:
    """Lines of /proc/self/mountinfo (proc_pid_mountinfo(5)), the upper ones first."""
    yield "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw"
    number = 22
    for pool in state.imported():
        for name, dataset in sorted(pool.datasets.items()):
            place = zfs.mountpoint_of(pool, dataset)
            if dataset.mounted and place.startswith("/"):
                source, target = (each.replace(" ", "\\040") for each in (name, place))
                yield f"{number} 21 0:{number} / {target} rw,noatime - zfs {source} rw,xattr,posixacl"
                number += 1


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
