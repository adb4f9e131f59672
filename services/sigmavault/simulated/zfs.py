"""`zfs list` and `zfs get` of the simulated machine; `zfs_change` has the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sigmavault.simulated import zfs_change
from sigmavault.simulated.command import RefusalError, Simulated, line
from sigmavault.simulated.state import Dataset, Pool, Snapshot, State, capacity

_DEFAULTS: Mapping[str, str | int] = {
    "compression": "on", "recordsize": 131072, "atime": "on", "relatime": "on", "readonly": "off",
    "snapdir": "hidden", "sync": "standard", "quota": 0, "refquota": 0, "reservation": 0, "refreservation": 0,
    "canmount": "on", "xattr": "sa", "acltype": "posix", "sharenfs": "off",
    "primarycache": "all", "casesensitivity": "sensitive",
    "normalization": "none", "utf8only": "off", "copies": 1, "dedup": "off", "exec": "on", "setuid": "on",
}  # fmt: skip
_NUMBERS = {"quota", "refquota", "reservation", "refreservation", "recordsize", "copies"}
_UNSET = "-"


def zfs(asked: Simulated) -> str:
    """One command."""
    verb = asked.argv[1] if len(asked.argv) > 1 else ""
    handler = _VERBS.get(verb)
    if handler is None:
        raise RefusalError(f"unrecognized command '{verb}'", 2)
    return handler(asked)


def _list(asked: Simulated) -> str:
    words = line(asked.argv[2:], "otdsS")
    types = words.values.get("t", ["filesystem,volume"])[0].split(",")
    columns = words.values.get("o", ["name"])[0].split(",")
    depth = int(words.values["d"][0]) if "d" in words.values else (-1 if "r" in words.flags else 0)
    found: dict[str, Any] = {}
    for pool, dataset in _wanted(asked.state, words.names, depth):
        if "filesystem" in types and "@" not in "".join(words.names):
            found[dataset.name] = _told(asked.state, pool, dataset, columns)
        if "snapshot" in types:
            found |= _snapshots(asked.state, pool, dataset, columns, words.names)
    return json.dumps({"output_version": _version("zfs list"), "datasets": found})


def _version(command: str) -> dict[str, Any]:
    return {"command": command, "vers_major": 0, "vers_minor": 1}


def _wanted(state: State, names: Iterable[str], depth: int) -> Iterator[tuple[Pool, Dataset]]:
    roots = [name.partition("@")[0] for name in names]
    for root in roots:
        if state.dataset(root) is None:
            raise RefusalError(f"cannot open '{root}': dataset does not exist")
    for pool in state.imported():
        for name, dataset in sorted(pool.datasets.items()):
            is_below = any(name.startswith(f"{root}/") for root in roots) and depth < 0
            if not roots or name in roots or is_below:
                yield pool, dataset


def _snapshots(
    state: State, pool: Pool, dataset: Dataset, columns: list[str], names: Iterable[str]
) -> dict[str, Any]:
    only = [name.partition("@")[2] for name in names if "@" in name]
    found = {}
    for number, snapshot in enumerate(dataset.snapshots):
        if only and snapshot.tag not in only:
            continue
        name = f"{dataset.name}@{snapshot.tag}"
        found[name] = {
            "name": name, "type": "SNAPSHOT", "pool": pool.name, "createtxg": str(1000 + number),
            "dataset": dataset.name, "snapshot_name": snapshot.tag,
            "properties": {each: _plain(_snapshot_value(state, dataset, snapshot, each)) for each in columns},
        }  # fmt: skip
    if only and not found:
        raise RefusalError(f"cannot open '{dataset.name}@{only[0]}': dataset does not exist")
    return found


def _snapshot_value(state: State, dataset: Dataset, snapshot: Snapshot, name: str) -> str | int:
    full = f"{dataset.name}@{snapshot.tag}"
    clones = [each.name for pool in state.imported() for each in pool.datasets.values()
              if each.properties.get("origin") == full]  # fmt: skip
    values: dict[str, str | int] = {
        "name": full, "guid": snapshot.guid, "creation": snapshot.created_at, "used": 0,
        "referenced": dataset.used_bytes, "userrefs": len(snapshot.holds), "clones": ",".join(clones),
    }  # fmt: skip
    return values.get(name, _UNSET)


def _told(state: State, pool: Pool, dataset: Dataset, columns: Iterable[str]) -> dict[str, Any]:
    return {
        "name": dataset.name, "type": "FILESYSTEM", "pool": pool.name, "createtxg": "1",
        "properties": {each: _property(state, pool, dataset, each) for each in columns},
    }  # fmt: skip


def _plain(value: str | int) -> dict[str, Any]:
    return {"value": value, "source": {"type": "NONE", "data": "-"}}


def _property(state: State, pool: Pool, dataset: Dataset, name: str) -> dict[str, Any]:
    counted = _counted(state, pool, dataset)
    if name in counted:
        return _plain(counted[name])
    for above in _upwards(pool, dataset):
        if name in above.properties:
            value = above.properties[name]
            own = above is dataset
            source = {"type": "LOCAL", "data": "-"} if own else {"type": "INHERITED", "data": above.name}
            if own or name not in {"quota", "refquota", "reservation", "refreservation", "canmount"}:
                return {
                    "value": int(value) if name in _NUMBERS and value.isdigit() else value,
                    "source": source,
                }
    if name in _DEFAULTS:
        return {"value": _DEFAULTS[name], "source": {"type": "DEFAULT", "data": "-"}}
    return _plain(_UNSET)


def _upwards(pool: Pool, dataset: Dataset) -> Iterator[Dataset]:
    name = dataset.name
    while name:
        if name in pool.datasets:
            yield pool.datasets[name]
        name = name.rpartition("/")[0]


def _counted(state: State, pool: Pool, dataset: Dataset) -> dict[str, str | int]:
    root = next((each for each in _upwards(pool, dataset) if each.encrypted), None)
    is_open, kept = dataset.key_loaded, root.properties if root else {}
    return {
        "name": dataset.name, "guid": dataset.guid, "type": "filesystem", "used": dataset.used_bytes,
        "available": max(0, capacity(pool, state.disks) - pool.used_bytes), "referenced": dataset.used_bytes,
        "mounted": "yes" if dataset.mounted else "no", "mountpoint": mountpoint_of(pool, dataset),
        "encryption": "aes-256-gcm" if root else "off", "encryptionroot": root.name if root else _UNSET,
        "keystatus": ("available" if is_open else "unavailable") if root else _UNSET,
        "keyformat": kept.get("keyformat", "passphrase") if root else "none",
        "keylocation": kept.get("keylocation", "prompt") if root is dataset else "none",
        "origin": dataset.properties.get("origin", _UNSET), "creation": 1_700_000_000,
    }  # fmt: skip


def mountpoint_of(pool: Pool, dataset: Dataset) -> str:
    rest = ""
    for above in _upwards(pool, dataset):
        if (place := above.properties.get("mountpoint")) is not None:
            return place if place in {"none", "legacy"} else f"{place.rstrip('/')}{rest}"
        rest = f"/{above.name.rpartition('/')[2]}{rest}"
    return rest


def _get(asked: Simulated) -> str:
    name = line(asked.argv[2:], "os").names[-1]
    dataset = asked.state.dataset(name)
    if dataset is None:
        raise RefusalError(f"cannot open '{name}': dataset does not exist")
    pool = asked.state.pools[name.partition("/")[0]]
    names = [*_counted(asked.state, pool, dataset), *_DEFAULTS, *dataset.properties]
    told = {name: _told(asked.state, pool, dataset, dict.fromkeys(names))}
    return json.dumps({"output_version": _version("zfs get"), "datasets": told})


_VERBS: Mapping[str, Callable[[Simulated], str]] = {"list": _list, "get": _get, **zfs_change.VERBS}
