"""`lsblk`, `blkid`, `wipefs`, `smartctl` of the simulated disks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sigmavault.simulated.command import RefusalError, Simulated, line
from sigmavault.simulated.description import Partition
from sigmavault.simulated.state import Disk, State, guid_of

_ZFS_PARTITION = "6a898cc3-1d2d-11b2-99a6-080020736631"
_RESERVED_PARTITION = "6a945a3b-1d2d-11b2-99a6-080020736631"
_LINUX_PARTITION = "0fc63daf-8483-4772-8e79-3d69d8477de4"
_RESERVED_BYTES = 8 * 1024 * 1024
_START_BYTES = 1024 * 1024


def lsblk(asked: Simulated) -> str:
    """`lsblk --json --bytes --output COLUMNS`: what is asked for, null where nothing is known."""
    words = line(asked.argv[1:], "o", long_with_value=["output"])
    listed = words.values.get("output", words.values.get("o", [""]))[0]
    columns = [column.lower() for column in listed.split(",") if column]
    nodes = [_pick(node, columns) for node in _nodes(asked.state)]
    return json.dumps({"blockdevices": nodes})


def _pick(node: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    picked: dict[str, Any] = {column: node.get(column) for column in columns}
    if children := node.get("children"):
        picked["children"] = [_pick(child, columns) for child in children]
    return picked


def _nodes(state: State) -> Iterator[dict[str, Any]]:
    for number, disk in enumerate(state.disks.values()):
        told = disk.described
        children = list(_partitions(state, disk, number))
        yield {
            "kname": disk.kname, "name": disk.kname, "path": f"/dev/{disk.kname}",
            "maj:min": f"8:{16 * number}",
            "type": "disk", "size": told.size_bytes, "ro": told.read_only, "rm": told.removable,
            "rota": told.rotational, "tran": told.transport, "model": told.model, "serial": told.serial,
            "log-sec": 512, "phy-sec": 4096, "zoned": "none", "pttype": "gpt" if children else None,
            "hotplug": told.transport == "usb", "mountpoints": [None], "children": children,
        }  # fmt: skip


def _partitions(state: State, disk: Disk, number: int) -> Iterator[dict[str, Any]]:
    start = _START_BYTES
    for place, partition in enumerate(partitions_of(state, disk), 1):
        yield _partition(state, disk, partition, (number, place, start))
        start += partition.size_bytes


def _partition(state: State, disk: Disk, partition: Partition, at: tuple[int, int, int]) -> dict[str, Any]:
    number, place, start = at
    kname = partition_name(disk, place)
    is_zfs = partition.filesystem == "zfs_member"
    type_ = _ZFS_PARTITION if is_zfs else _LINUX_PARTITION if partition.filesystem else _RESERVED_PARTITION
    return {
        "kname": kname, "name": kname, "path": f"/dev/{kname}", "maj:min": f"8:{16 * number + place}",
        "type": "part", "size": partition.size_bytes, "start": start // 512, "ro": disk.described.read_only,
        "rm": disk.described.removable, "rota": disk.described.rotational, "log-sec": 512, "phy-sec": 4096,
        "zoned": "none", "pttype": "gpt", "parttype": type_,
        "partuuid": f"{guid_of(disk.name, str(place)):032x}", "fstype": partition.filesystem or None,
        "label": partition.label or None, "uuid": _uuid(state, partition),
        "mountpoints": [partition.mounted or None],
    }  # fmt: skip


def partitions_of(state: State, disk: Disk) -> list[Partition]:
    """What is on a disk; ZFS makes two partitions on one that it gets whole."""
    if not disk.label or any(each.filesystem == "zfs_member" for each in disk.partitions):
        return disk.partitions
    whole = disk.described.size_bytes
    member = Partition(
        size_bytes=whole - _RESERVED_BYTES - 2 * _START_BYTES, filesystem="zfs_member", label=disk.label
    )
    return [member, Partition(size_bytes=_RESERVED_BYTES)]


def _uuid(state: State, partition: Partition) -> str | None:
    """Of a member of a pool, the pool's GUID."""
    if partition.filesystem != "zfs_member":
        return None
    pool = state.pools.get(partition.label)
    return str(pool.guid if pool is not None else guid_of(partition.label))


def partition_name(disk: Disk, place: int) -> str:
    """The kernel name of a partition: `sda1`, `nvme0n1p1`."""
    return f"{disk.kname}{'p' if disk.kname[-1].isdigit() else ''}{place}"


def _named(asked: Simulated, name: str) -> Disk:
    disk = asked.state.disk_at(name)
    if disk is None:
        raise RefusalError(f"{asked.argv[0]}: {name}: No such file or directory")
    return disk


def smartctl(asked: Simulated) -> str:
    """`smartctl --json --all DEVICE`, and tests that end at once."""
    words = line(asked.argv[1:], "ntsdH", long_with_value=["nocheck", "device", "test"])
    disk = _named(asked, words.names[-1])
    told = disk.described
    if told.smart != "unsupported" and any(word.startswith(("--test", "--abort")) for word in asked.argv):
        return ""
    if told.smart == "unsupported":
        unknown = {"smartctl": {"exit_status": 4, "messages": [
            {"string": f"/dev/{disk.kname}: Unknown USB bridge", "severity": "error"}]}}  # fmt: skip
        raise RefusalError("Unknown USB bridge", 1, json.dumps(unknown))
    passed = told.smart == "passed"
    said: dict[str, Any] = {
        "json_format_version": [1, 0], "smartctl": {"version": [7, 4], "exit_status": 0 if passed else 8},
        "device": {"name": f"/dev/{disk.kname}", "type": told.transport,
                   "protocol": "NVMe" if told.transport == "nvme" else "ATA"},
        "model_name": told.model, "serial_number": told.serial,
        "smart_support": {"available": True, "enabled": True},
        "smart_status": {"passed": passed}, "power_on_time": {"hours": told.power_on_hours},
        "temperature": {"current": told.temperature_c} if told.temperature_c is not None else {},
        "ata_smart_data": {"capabilities": {"self_tests_supported": True}},
        "ata_smart_attributes": {"table": [
            {"id": 5, "name": "Reallocated_Sector_Ct", "raw": {"value": 0 if passed else 1984}},
            {"id": 197, "name": "Current_Pending_Sector", "raw": {"value": 0 if passed else 40}}]},
    }  # fmt: skip
    if not passed:
        raise RefusalError("", 8, json.dumps(said))
    return json.dumps(said)


def wipefs(asked: Simulated) -> str:
    """Show what stands on disks and partitions; with `--all`, take it away."""
    words = line(asked.argv[1:], "oOt", long_with_value=["output", "types"])
    found = []
    for name in words.names:
        disk = _named(asked, name)
        found += _signatures(asked.state, disk, name.rsplit("/", 1)[-1])
        if words.flags & {"all", "a"}:
            disk.partitions, disk.label = [], ""
    return json.dumps({"signatures": found}) if words.flags & {"json", "J"} else ""


def _signatures(state: State, disk: Disk, name: str) -> list[dict[str, Any]]:
    parts = partitions_of(state, disk)
    if name in {disk.kname, disk.name}:
        table = {"device": disk.kname, "type": "gpt", "label": None, "uuid": None}
        return [table] if parts else []
    found = []
    for place, part in enumerate(parts, 1):
        kname = partition_name(disk, place)
        if part.filesystem and name in {kname, f"{disk.name}-part{place}"}:
            pool = state.pools.get(part.label)
            uuid = str(pool.guid) if pool is not None else None
            found.append(
                {"device": kname, "type": part.filesystem, "label": part.label or None, "uuid": uuid}
            )
    return found


def udevadm(_asked: Simulated) -> str:
    """`udevadm settle`: nobody is still looking at a simulated disk."""
    return ""


PROGRAMS: Mapping[str, Callable[[Simulated], str]] = {
    "lsblk": lsblk, "smartctl": smartctl, "wipefs": wipefs, "udevadm": udevadm,
}  # fmt: skip
