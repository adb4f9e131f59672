"""Which ZFS dataset is mounted where, out of /proc/self/mountinfo (proc_pid_mountinfo(5)). Pure.

The kernel tells it without asking the pool: a suspended pool does not hold the answer back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class _Mount:
    part: str
    """Which folder of the file system is mounted."""
    place: str
    kind: str
    source: str


def parse_mountinfo(text: str) -> Mapping[str, str]:
    """Dataset → where it is mounted and can be reached: nothing was mounted over it later.

    Snapshots (`tank/photos@monday`, mounted below `.zfs`) and bound folders of a dataset are left out.
    """
    on_top: dict[str, _Mount] = {}
    above: Counter[str] = Counter()
    for mount in _mounts(text):
        if above[mount.place]:  # it covers what was mounted below it before
            for gone in [place for place in on_top if place.startswith(f"{mount.place.rstrip('/')}/")]:
                del on_top[gone]
                above.subtract(_ancestors(gone))
        if mount.place not in on_top:
            above.update(_ancestors(mount.place))
        on_top[mount.place] = mount
    return {
        mount.source: place
        for place, mount in on_top.items()
        if mount.kind == "zfs" and mount.part == "/" and "@" not in mount.source
    }


def root_kind(text: str) -> str:
    """The kind of file system that `/` is; empty when it is not told."""
    kinds = [mount.kind for mount in _mounts(text) if mount.place == "/"]
    return kinds[-1] if kinds else ""


def _mounts(text: str) -> Iterator[_Mount]:
    """In the order in which they were made."""
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields, kinds = left.split(" "), right.split(" ")
        if len(fields) >= 6 and len(kinds) >= 2:
            yield _Mount(_plain(fields[3]), _plain(fields[4]), kinds[0], _plain(kinds[1]))


def _ancestors(place: str) -> list[str]:
    parts = place.split("/")
    return ["/".join(parts[:count]) or "/" for count in range(1, len(parts))] if place != "/" else []


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)
