"""Looks at disks.

| what | command, file |
|---|---|
| block devices, what stands on them, mounts | `lsblk --json --bytes --output COLUMNS` |
| lasting names | links in `/dev/disk/by-id` |
| protection information, temperature, what is a device at all | `/sys/block/NAME/…` |
| imported pools | `system.zpool`: one zpool |
| the partition the machine was started from | EFI variable `LoaderDevicePartUUID` |
| all signatures, read from the disks (`probed`) | `wipefs --json --output DEVICE,TYPE,LABEL,UUID -- PATH…` |

`disks` wakes and opens no disk, so a list can be asked for at any time; what it knows of signatures is what
udev saw. `take` is what a plan uses: it reads the chosen disks and asks the kernel whether they are free.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sigmavault.core.errors import (
    CommandError,
    CommandTimeoutError,
    InvalidRequestError,
    OperationError,
    ZfsMissingError,
)
from sigmavault.core.operation import Machine, Target
from sigmavault.core.storage import disks as core
from sigmavault.core.storage.disks import Disk, Membership, Node, Signature
from sigmavault.core.storage.eligibility import Override, Use, blockers, sentence
from sigmavault.core.storage.pools import Pool
from sigmavault.core.values import format_bytes
from sigmavault.system import smart, zpool
from sigmavault.system.files import read_or_empty

LSBLK: Final = ("lsblk", "--json", "--bytes", "--output", ",".join(core.COLUMNS))
WIPEFS: Final = ("wipefs", "--json", "--output", "DEVICE,TYPE,LABEL,UUID", "--")
READ_TIMEOUT_S: Final = 20.0
PROBE_TIMEOUT_S: Final = 60.0
"""A disk that stood still takes its time to spin up."""

_BY_ID: Final = "dev/disk/by-id"
_BOOT_PLACES: Final = frozenset({"/", "/boot", "/boot/efi", "/efi", "/usr", "/var"})
_LIVE_PLACES: Final = ("/run/live/", "/lib/live/mount/", "/usr/lib/live/mount/")
_STARTED_FROM: Final = "sys/firmware/efi/efivars/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"


def disks(machine: Machine, pools: Sequence[Pool] | None = None) -> tuple[Disk, ...]:
    """Every disk of the machine, by its kernel name. No disk is woken or opened.

    Args:
        machine: where to look.
        pools: the imported pools, when the caller has them already; else zpool is asked.

    Raises:
        CommandError: lsblk failed.
        OperationError: its list makes no sense.
    """
    listed = core.parse_lsblk(machine.run(LSBLK, timeout_s=READ_TIMEOUT_S).stdout)
    names = _names(machine)
    started_from = _started_from(machine)
    real = [(node, raw) for node, raw in listed if _is_disk(machine, node)]
    found = [_disk(machine, node, raw, names.get(node.kernel_name, ()), started_from) for node, raw in real]
    known = _imported(machine) if pools is None else tuple(pools)
    if known is None:
        return core.mark_shared_serials(replace(disk, are_pools_known=False) for disk in found)
    members, boots = _members(machine, known), _boot_pools(machine)
    return core.mark_shared_serials(_in_pools(disk, known, members, boots) for disk in found)


def resolve(machine: Machine, name: str, found: Sequence[Disk]) -> Disk:
    """The disk of a by-id name or a serial, if its name still leads to it.

    Raises:
        UnknownObjectError: there is none.
        OperationError: several disks have this serial, or the name leads to another disk by now.
    """
    disk = core.find(name, found)
    if disk.name and _target(machine.root / _BY_ID / disk.name) != disk.node.kernel_name:
        raise OperationError(f"{disk.name} was unplugged or changed just now", hint="look again")
    return disk


def take(
    machine: Machine, names: Sequence[str], *, overwrite: Collection[str] = (),
    same_serial: Collection[str] = (), use: Use = Use.POOL, pools: Sequence[Pool] | None = None,
) -> tuple[Disk, ...]:  # fmt: skip
    """The disks of these names, in order: read, asked for their health, and free for the use.

    Args:
        machine: where to look.
        names: by-id names or serials.
        overwrite: the names among them whose data may be lost.
        same_serial: the names among them that are meant though another disk has the same serial.
        use: what for.
        pools: the imported pools, when the caller has them already.

    Raises:
        InvalidRequestError: a disk is named twice, or an override names no disk of these.
        UnknownObjectError: there is no such disk.
        OperationError: something speaks against a disk; the message has every reason.
    """
    found = disks(machine, pools)
    chosen = _distinct([(name, resolve(machine, name, found)) for name in names])
    overrides = {
        Override.OVERWRITE: _meant("overwrite", overwrite, chosen, found),
        Override.SAME_SERIAL: _meant("same_serial", same_serial, chosen, found),
    }
    looked = tuple(smart.with_health(machine, disk) for disk in probed(machine, chosen))
    against = []
    for disk in looked:
        lifted = [override for override, paths in overrides.items() if disk.path in paths]
        against += [(disk, reason) for reason in blockers(disk, use=use, overrides=lifted)]
    if against:
        hints = dict.fromkeys(reason.hint for _, reason in against if reason.hint)
        raise OperationError("; ".join(sentence(*each) for each in against), hint="; ".join(hints))
    return looked


def target(disk: Disk) -> Target:
    """The disk as a plan names it."""
    facts = {
        "model": disk.model or "unknown", "size": format_bytes(disk.size_bytes),
        "serial": disk.serial or "none", "now": disk.path,
    }  # fmt: skip
    return Target(kind="disk", name=disk.called, identity=identity(disk), facts=facts)


def identity(disk: Disk) -> str:
    """What stays the same of a disk wherever it is plugged in; of two with one serial, the name as well."""
    if disk.serial and not disk.shares_serial:
        return disk.serial
    return f"{disk.serial} {disk.name}".strip()


def lock(disk: Disk) -> str:
    """The name of its lock: two disks with one serial share it, which only makes somebody wait."""
    return f"disk:{disk.serial or disk.name}"


# --- closer looks ---


def probed(machine: Machine, chosen: Iterable[Disk]) -> tuple[Disk, ...]:
    """The disks, read: what stands on them, and whether the kernel lets somebody have them.

    A disk that cannot be read keeps `signatures` None, which speaks against it.
    """
    held = tuple(chosen)
    paths = {disk.path: [disk.path, *(part.path for part in disk.partitions)] for disk in held}
    together = _signatures(machine, [path for each in paths.values() for path in each])
    looked = []
    for disk in held:
        # one disk that fails must not hide the others
        own = _signatures(machine, paths[disk.path]) if together is None else together
        inside = {Path(path).name for path in paths[disk.path]}
        seen = None if own is None else tuple(each for each in own if each.device in inside)
        is_held = machine.is_held(_below(machine, disk.path))
        looked.append(replace(disk, signatures=seen, is_held=is_held))
    return tuple(looked)


def _signatures(machine: Machine, paths: Sequence[str]) -> tuple[Signature, ...] | None:
    if not paths:
        return ()
    try:
        return core.parse_wipefs(machine.run((*WIPEFS, *paths), timeout_s=PROBE_TIMEOUT_S).stdout)
    except CommandTimeoutError:
        return None
    except CommandError:
        return None


def _distinct(chosen: Iterable[tuple[str, Disk]]) -> tuple[Disk, ...]:
    """The disks, each once: two names of one disk are an error, not two disks."""
    by_path: dict[str, tuple[str, Disk]] = {}
    for name, disk in chosen:
        if disk.path in by_path:
            first = by_path[disk.path][0]
            twice = f"{name} is named twice" if first == name else f"{first} and {name} are the same disk"
            raise InvalidRequestError(twice, param="disks")
        by_path[disk.path] = name, disk
    return tuple(disk for _, disk in by_path.values())


def _meant(
    param: str, names: Collection[str], chosen: Sequence[Disk], found: Sequence[Disk]
) -> frozenset[str]:
    """Paths of the disks that an override names."""
    meant = frozenset(core.find(name, found).path for name in names)
    strangers = meant - {disk.path for disk in chosen}
    if strangers:
        raise InvalidRequestError("names a disk that is not among those to be used", param=param)
    return meant


# --- the inventory ---


def _is_disk(machine: Machine, node: Node) -> bool:
    """Loop devices, zvols, zram, md and dm are no disks: nothing stands behind them but other disks."""
    return node.type == "disk" and (_block(machine, node) / "device").exists()


def _block(machine: Machine, node: Node) -> Path:
    return machine.root / "sys/block" / node.kernel_name.replace("/", "!")


def _disk(
    machine: Machine, node: Node, raw: Mapping[str, Any], names: Sequence[str], started_from: str
) -> Disk:
    name = core.best_name(names)
    mounts = [place for each in node.tree() for place in each.mounts]
    starts = started_from and any(each.partition_uuid == started_from for each in node.tree())
    return Disk(
        name=name, aliases=tuple(sorted(names)), path=node.path, node=node,
        sequence=core.number_of(raw, "disk-seq"), serial=core.text_of(raw, "serial"),
        model=core.text_of(raw, "model"), vendor=core.text_of(raw, "vendor"), wwn=core.text_of(raw, "wwn"),
        transport=core.text_of(raw, "tran"), size_bytes=node.size_bytes,
        sector_bytes=core.number_of(raw, "log-sec") or core.SECTOR_BYTES,
        physical_sector_bytes=core.number_of(raw, "phy-sec") or core.SECTOR_BYTES,
        is_rotational=core.flag_of(raw, "rota"), is_removable=core.flag_of(raw, "rm"),
        is_read_only=core.flag_of(raw, "ro"), has_protection=_has_protection(machine, node),
        is_zoned=core.text_of(raw, "zoned") == "host-managed",
        is_boot=bool(starts) or any(place in _BOOT_PLACES for place in mounts),
        is_live_medium=any(place.startswith(_LIVE_PLACES) for place in mounts),
        temperature_c=_temperature(machine, node), health=smart.remembered(machine, name),
    )  # fmt: skip


def _names(machine: Machine) -> dict[str, list[str]]:
    """Kernel name → names in /dev/disk/by-id; partitions have theirs."""
    found: dict[str, list[str]] = {}
    folder = machine.root / _BY_ID
    for link in sorted(folder.iterdir()) if folder.is_dir() else ():
        if kernel_name := _target(link):
            found.setdefault(kernel_name, []).append(link.name)
    return found


def _target(link: Path) -> str:
    """Kernel name that a link of udev leads to: `../../sda`. Empty when the link is gone."""
    try:
        return link.readlink().name
    except OSError:
        return ""


def _has_protection(machine: Machine, node: Node) -> bool:
    """T10 protection information: the type that a SCSI disk is formatted with, the format of an NVMe."""
    block = _block(machine, node)
    types = [read_or_empty(file).strip() for file in (block / "device").glob("scsi_disk/*/protection_type")]
    formatted = read_or_empty(block / "integrity/format").strip()
    return any(each not in {"", "0"} for each in types) or formatted not in {"", "none", "nop"}


def _temperature(machine: Machine, node: Node) -> float | None:
    """Of the kernel's drivetemp or nvme sensor, in °C (thousandths in sysfs); no program, no wake-up."""
    device = _block(machine, node) / "device"
    for pattern in ("hwmon/hwmon*/temp1_input", "hwmon*/temp1_input"):
        for file in sorted(device.glob(pattern)):
            text = read_or_empty(file).strip()
            if text.lstrip("-").isdecimal() and abs(int(text)) < 200_000:
                return round(int(text) / 1000, 1)
    return None


def _started_from(machine: Machine) -> str:
    """PARTUUID of the partition that the boot loader was on; empty when the firmware does not tell."""
    try:
        data = (machine.root / _STARTED_FROM).read_bytes()
    except OSError:
        return ""
    # four bytes of attributes come first, then UTF-16
    return data[4:].decode("utf-16-le", "replace").rstrip("\0").lower()


# --- pools ---


def _imported(machine: Machine) -> tuple[Pool, ...] | None:
    """The imported pools; none without ZFS; None when ZFS does not answer."""
    try:
        return zpool.pools(machine)
    except ZfsMissingError:
        return ()
    except (OperationError, CommandError):
        return None


def _members(machine: Machine, pools: Sequence[Pool]) -> dict[str, Pool]:
    """Kernel name of a device → the pool that it belongs to."""
    leaves = ((leaf.path, pool) for pool in pools for leaf in pool.leaves() if leaf.path)
    return {_below(machine, path).resolve().name: pool for path, pool in leaves}


def _in_pools(disk: Disk, pools: Sequence[Pool], members: Mapping[str, Pool], boots: Collection[str]) -> Disk:
    """The disk, with what it is to the imported pools."""
    for node in disk.node.tree():
        if (pool := members.get(node.kernel_name)) is not None:
            member = Membership(pool=pool.name, guid=pool.guid)
            return replace(disk, membership=member, is_boot=disk.is_boot or pool.name in boots)
    labels = {each.uuid for each in disk.found if each.type == "zfs_member"}
    former = next((pool.name for pool in pools if pool.guid in labels), "")
    return replace(disk, former_pool=former)


def _boot_pools(machine: Machine) -> frozenset[str]:
    """Pools that the machine runs from: a ZFS root has no block device that lsblk could show it on."""
    rows = (line.split() for line in read_or_empty(machine.root / "proc/self/mountinfo").splitlines())
    found = set()
    for row in rows:
        if len(row) > 9 and row[4] in _BOOT_PLACES and "-" in row:
            kind, source = row[row.index("-") + 1 :][:2]
            if kind == "zfs":
                found.add(source.partition("/")[0])
    return frozenset(found)


def _below(machine: Machine, path: str) -> Path:
    return machine.root / os.path.relpath(path, "/")
