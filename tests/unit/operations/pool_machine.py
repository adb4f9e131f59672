"""A machine with the disks and pools of a virtual machine: `recorded/STATE.json` tells which."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sigmavault.core.errors import CommandError
from sigmavault.core.storage.pools_status import parse_status
from sigmavault.core.values import GIB

from tests.unit.core.storage.pool_states import text_of
from tests.unit.operations.scripted import Said, ScriptedMachine

BLANK = tuple(f"P{number:02d}" for number in range(20, 30))
"""Serials of disks without anything on them, 1 GiB each."""
BIG, SMALL, DATA = "BIG1", "SMALL1", "EXT4"
"""Serials of a disk of 2 GiB, of one of 1016 MiB, of one with a file system."""
STATUS = ("zpool", "status")


def machine_of(root: Path, state: str = "no_pools", **more: Said) -> ScriptedMachine:
    """The machine; `more` is what other programs say: `zpool_import` is `zpool import`."""
    sizes = dict.fromkeys(BLANK, GIB) | {BIG: 2 * GIB, SMALL: 1016 * 1024**2, DATA: GIB}
    members = {leaf.disk: pool for pool in parse_status(text_of(state)) for leaf in pool.leaves()}
    sizes |= {name.removeprefix("virtio-"): GIB for name in members}
    (root / "sys/module/zfs").mkdir(parents=True)
    (root / "proc/self").mkdir(parents=True)
    (root / "dev/disk/by-id").mkdir(parents=True)
    rows = [_disk(root, number, serial, size) for number, (serial, size) in enumerate(sizes.items())]
    for row in rows:
        pool = members.get(f"virtio-{row['serial']}")
        if pool is not None or row["serial"] == DATA:
            kind = "zfs_member" if pool else "ext4"
            label, uuid = (pool.name, pool.guid) if pool else ("photos", "u-1")
            row["children"] = [_part(root, row, kind, label, uuid), *([_reserved(row)] if pool else [])]
    listed = json.dumps({"blockdevices": rows})
    says: dict[tuple[str, ...], Said] = {
        ("lsblk",): listed, ("wipefs", "--json"): _wipefs(rows), ("smartctl",): "{}",
        STATUS: status_of(state),
        ("zpool", "create", "-n"): "would create\n", ("zpool", "add", "-n"): "would update\n",
    }  # fmt: skip
    says |= {tuple(name.split("_")): said for name, said in more.items()}
    return ScriptedMachine(root=root, says=says)


def status_of(state: str) -> Callable[[Sequence[str], str], str]:
    """`zpool status`, of all pools or of one."""
    raw = json.loads(text_of(state))

    def say(argv: Sequence[str], _stdin: str) -> str:
        names = argv[argv.index("--") + 1 :] if "--" in argv else ()
        for name in names:
            if name not in raw["pools"]:
                raise CommandError(argv, 1, f"cannot open '{name}': no such pool")
        pools = {name: each for name, each in raw["pools"].items() if not names or name in names}
        return json.dumps(raw | {"pools": pools})

    return say


def _disk(root: Path, number: int, serial: str, size: int) -> dict[str, Any]:
    name = f"vd{chr(97 + number // 26)}{chr(97 + number % 26)}"
    (root / "sys/block" / name / "device").mkdir(parents=True)
    (root / f"dev/disk/by-id/virtio-{serial}").symlink_to(f"../../{name}")
    return {
        "name": name, "kname": name, "path": f"/dev/{name}", "maj:min": f"253:{number * 16}", "type": "disk",
        "size": size, "ro": False, "rm": False, "rota": True, "tran": "virtio", "serial": serial,
        "log-sec": 512, "phy-sec": 512, "mountpoints": [None], "disk-seq": number + 1,
    }  # fmt: skip


def _part(root: Path, disk: Mapping[str, Any], kind: str, label: str, uuid: str) -> dict[str, Any]:
    name = f"{disk['kname']}1"
    (root / f"dev/disk/by-id/virtio-{disk['serial']}-part1").symlink_to(f"../../{name}")
    return {
        "name": name, "kname": name, "path": f"/dev/{name}", "type": "part", "size": disk["size"] - 2**21,
        "start": 2048, "fstype": kind, "label": label, "uuid": uuid, "mountpoints": [None],
    }  # fmt: skip


def _reserved(disk: Mapping[str, Any]) -> dict[str, Any]:
    """What ZFS leaves free at the end of a disk that it is given whole."""
    name = f"{disk['kname']}9"
    return {
        "name": name, "kname": name, "path": f"/dev/{name}", "type": "part", "size": 8 * 1024**2,
        "start": disk["size"] // 512 - 16384, "parttype": "6a945a3b-1dd2-11b2-99a6-080020736631",
        "mountpoints": [None],
    }  # fmt: skip


def _wipefs(rows: Sequence[Mapping[str, Any]]) -> Callable[[Sequence[str], str], str]:
    found = [
        {"device": part["kname"], "type": part["fstype"], "label": part["label"], "uuid": part["uuid"]}
        for row in rows
        for part in row.get("children", ())
        if "fstype" in part
    ]

    def say(argv: Sequence[str], _stdin: str) -> str:
        asked = {Path(path).name for path in argv[argv.index("--") + 1 :]}
        return json.dumps({"signatures": [row for row in found if row["device"] in asked]})

    return say
