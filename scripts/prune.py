"""What the cache may forget: each kind of result keeps its most recently used ones.

Called by the one build that holds the cache's lock, when it has succeeded: nobody else is using or
making anything there.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

KEPT: Mapping[str, int] = {
    "images": 2, "layers": 3, "debs": 4, "native": 2, "runtime": 2, "clients": 2, "bench": 2,
    "desktop": 1,
}  # fmt: skip
"""Folders of the cache, and how many results of one name each keeps."""


def stale(results: Iterable[tuple[str, float]], kept: int) -> list[str]:
    """Of results named NAME-KEY with the time of their last use, those beyond the `kept` latest of a NAME."""
    groups: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for name, used in results:
        groups[name.rpartition("-")[0]].append((used, name))
    return sorted(name for group in groups.values() for _used, name in sorted(group, reverse=True)[kept:])


def prune(cache: Path) -> list[Path]:
    """Remove what is stale or was never finished; what was removed."""
    removed: list[Path] = []
    for kind, kept in KEPT.items():
        found = [path for path in (cache / kind).glob("*") if path.is_dir()]
        unfinished = [path for path in found if ".partial" in path.name]
        results = [(path.name, path.stat().st_mtime) for path in found if path not in unfinished]
        removed += [*unfinished, *(cache / kind / name for name in stale(results, kept))]
    for path in removed:
        shutil.rmtree(path)
    return removed
