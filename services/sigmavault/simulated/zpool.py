"""`zpool` of the simulated machine: what it shows, and what the commands of our operations change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sigmavault.simulated import zpool_change
from sigmavault.simulated.command import RefusalError, Simulated, line
from sigmavault.simulated.state import Pool, State, Vdev, capacity, vdev_state

_RAIDZ = ("raidz1", "raidz2", "raidz3")


def zpool(asked: Simulated) -> str:
    """One command."""
    verb = asked.argv[1] if len(asked.argv) > 1 else ""
    handler = _VERBS.get(verb)
    if handler is None:
        raise RefusalError(f"unrecognized command '{verb}'", 2)
    return handler(asked)


def find(state: State, name: str) -> Pool:
    """An imported pool.

    Raises:
        RefusalError: there is none.
    """
    pool = state.pools.get(name)
    if pool is None or not pool.imported:
        raise RefusalError(f"cannot open '{name}': no such pool")
    return pool


def _status(asked: Simulated) -> str:
    names = line(asked.argv[2:], "").names
    pools = [find(asked.state, name) for name in names] if names else asked.state.imported()
    version = {"command": "zpool status", "vers_major": 0, "vers_minor": 1}
    told = {pool.name: _told(pool, asked) for pool in pools}
    return json.dumps({"output_version": version, "pools": told})


def _told(pool: Pool, asked: Simulated) -> dict[str, Any]:
    size = capacity(pool, asked.state.disks)
    root = {
        "name": pool.name, "vdev_type": "root", "guid": pool.guid, "class": "normal", "state": pool.state,
        "alloc_space": pool.used_bytes, "total_space": size, "def_space": size,
        "read_errors": 0, "write_errors": 0, "checksum_errors": 0,
        "vdevs": _group(pool.data, "normal", asked.state),
    }  # fmt: skip
    told: dict[str, Any] = {
        "name": pool.name, "state": pool.state, "pool_guid": pool.guid, "txg": 4, "spa_version": 5000,
        "zpl_version": 5, "vdevs": {pool.name: root}, "error_count": 0,
    }  # fmt: skip
    if pool.state != "ONLINE":
        told |= {"status": "One or more devices are faulted or missing.", "msgid": "ZFS-8000-2Q",
                 "action": "Replace the faulted device, or attach it again."}  # fmt: skip
    others = (("special", pool.special), ("logs", pool.log), ("l2cache", pool.cache), ("spares", pool.spares))
    told |= {key: _group(vdevs, key, asked.state, len(pool.data)) for key, vdevs in others if vdevs}
    if pool.scan == "scrub":
        told["scan_stats"] = _scan(pool, int(asked.now))
    return told


def _scan(pool: Pool, now: int) -> dict[str, Any]:
    done = pool.used_bytes // 4
    return {"function": "SCRUB", "state": "SCANNING", "start_time": now - 3600, "end_time": 0,
            "to_examine": pool.used_bytes, "examined": done, "skipped": 0, "processed": 0, "errors": 0,
            "bytes_per_scan": done, "pass_start": now - 3600, "scrub_pause": 0, "scrub_spent_paused": 0,
            "issued_bytes_per_scan": done, "issued": done}  # fmt: skip


def _group(vdevs: list[Vdev], class_: str, state: State, first: int = 0) -> dict[str, Any]:
    told = [_vdev(vdev, class_, state, number) for number, vdev in enumerate(vdevs, first)]
    return {each["name"]: each for each in told}


def _vdev(vdev: Vdev, class_: str, state: State, number: int) -> dict[str, Any]:
    counters = {"read_errors": 0, "write_errors": 0, "checksum_errors": 0}
    if not vdev.children:
        path = f"/dev/disk/by-id/{vdev.disk}-part1"
        size = state.disks[vdev.disk].described.size_bytes
        if class_ == "spares":
            return {"name": path, "vdev_type": "disk", "guid": vdev.guid, "path": path, "class": "spare",
                    "state": "AVAIL", "rep_dev_size": size, "phys_space": size} | counters  # fmt: skip
        return {"name": path, "vdev_type": "disk", "guid": vdev.guid, "path": path, "class": class_,
                "state": vdev.state, "rep_dev_size": size, "phys_space": size} | counters  # fmt: skip
    kind = "raidz" if vdev.kind in _RAIDZ else vdev.kind
    return {
        "name": f"{vdev.kind}-{number}", "vdev_type": kind, "guid": vdev.guid, "class": class_,
        "state": vdev_state(vdev), "vdevs": _group(vdev.children, class_, state),
    } | counters  # fmt: skip


_VERBS: Mapping[str, Callable[[Simulated], str]] = {"status": _status, **zpool_change.VERBS}
