"""Vdevs out of the words of `zpool create` and `zpool add` (zpool-create(8))."""

from __future__ import annotations

from collections.abc import Sequence

from sigmavault.simulated.command import RefusalError
from sigmavault.simulated.state import Pool, State, Vdev, guid_of, leaf

_GROUPS = {"mirror": 2, "raidz": 2, "raidz1": 2, "raidz2": 3, "raidz3": 4}
_CLASSES = ("log", "cache", "special", "spare")


def build(state: State, pool: Pool, words: Sequence[str], *, is_forced: bool = False) -> list[str]:
    """Add what the words describe to a pool; returns the names of the disks. `-f` looks past their data.

    Raises:
        RefusalError: a disk is not there, is in use, or a group is too small.
    """
    class_, kind = "data", ""
    group: list[str] = []
    names: list[str] = []
    for word in (*words, ""):
        if word and word not in _GROUPS and word not in _CLASSES:
            names.append(_free(state, word, names, is_forced=is_forced))
            group.append(names[-1])
            continue
        _close(pool, class_, kind, group)
        group = []
        if word in _CLASSES:
            class_, kind = word, ""
        else:
            kind = word
    for name in names:
        state.disks[name].label = pool.name
        state.disks[name].partitions = []
    return names


def _free(state: State, word: str, taken: Sequence[str], *, is_forced: bool) -> str:
    disk = state.disk_at(word)
    if disk is None:
        raise RefusalError(f"cannot open '{word}': no such device in /dev")
    holder = state.pools.get(disk.label)
    if disk.name in taken:
        raise RefusalError(f"invalid vdev specification: '{word}' is given twice")
    if holder is not None and holder.imported:
        raise RefusalError(f"{word} is part of active pool '{holder.name}'")
    if not is_forced and (holder is not None or any(each.filesystem for each in disk.partitions)):
        raise RefusalError(f"invalid vdev specification\nuse '-f' to override: {word} is in use")
    return disk.name


def _close(pool: Pool, class_: str, kind: str, disks: Sequence[str]) -> None:
    if not disks:
        return
    target = {
        "data": pool.data, "log": pool.log, "cache": pool.cache, "special": pool.special,
        "spare": pool.spares,
    }[class_]  # fmt: skip
    leaves = [leaf(pool.name, disk) for disk in disks]
    if not kind:
        target.extend(leaves)
        return
    if len(disks) < _GROUPS[kind]:
        raise RefusalError(f"invalid vdev specification: {kind} requires at least {_GROUPS[kind]} devices")
    real = "raidz1" if kind == "raidz" else kind
    target.append(Vdev(kind=real, guid=guid_of(pool.name, *disks), children=leaves))


def drawing(pool: Pool, verb: str) -> str:
    """What `zpool create -n` and `zpool add -n` print."""
    lines = [f"would {verb} '{pool.name}' {'with' if verb == 'create' else 'to'} the following layout:", ""]
    lines.append(f"\t{pool.name}")
    groups = ((pool.data, ""), (pool.special, "special"), (pool.log, "logs"), (pool.cache, "cache"))
    for vdevs, title in groups:
        if title and vdevs:
            lines.append(f"\t{title}")
        for number, vdev in enumerate(vdevs):
            lines += _drawn(vdev, number)
    return "\n".join(lines) + "\n"


def _drawn(vdev: Vdev, number: int) -> list[str]:
    if not vdev.children:
        return [f"\t  {vdev.disk}"]
    return [f"\t  {vdev.kind}-{number}", *(f"\t    {child.disk}" for child in vdev.children)]
