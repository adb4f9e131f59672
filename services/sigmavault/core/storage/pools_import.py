"""Pools that are plugged in and not imported: out of the text of `zpool import`, which has no JSON. Pure.

The text is for people (zpool-import(8), ZFS 2.3) and names in it come from whoever wrote the disks. So only
what is needed is taken, a pool whose GUID cannot be read is left out, and everything is done by GUID.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sigmavault.core.storage.disks import shown
from sigmavault.core.storage.pools import PoolState

_KEY: Final = re.compile(r"^ *(pool|id|state|status|action|see|comment): (.*)$")
_GUID: Final = re.compile(r"[0-9]{1,20}")
_DEVICE: Final = re.compile(r"^\t +(\S+) +([A-Z]+)(?: |$)")
_GROUPS: Final = re.compile(r"(mirror|raidz[123]|draid|spare|replacing|indirect|hole)-")
_OTHER_HOST: Final = "last accessed by another system"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignPool:
    """A pool that can perhaps be imported.

    Attributes:
        guid: decimal; what it is imported by, because several may have one name.
        state: how it would be.
        problem: what is wrong in ZFS's words; empty when nothing is.
        remedy: what ZFS says about importing it.
        disks: its devices, by their last name, and whether they are found.
        is_of_other_host: another machine used it last, and did not export it.
        has_missing_log: a log device is not found: what was acknowledged and not yet written is lost.
    """

    name: str
    guid: str
    state: PoolState
    problem: str = ""
    remedy: str = ""
    disks: tuple[tuple[str, bool], ...] = ()
    is_of_other_host: bool = False
    has_missing_log: bool = False

    @property
    def is_importable(self) -> bool:
        """Whether enough of it is found."""
        return self.state.is_usable


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a disk of a pool tells of its last use (`zdb -lu`).

    Attributes:
        host: name of the machine that used it last; empty when not told.
        host_id: of that machine, decimal.
        written: when it was last written, seconds since 1970; 0 when not told.
    """

    host: str = ""
    host_id: str = ""
    written: int = 0


def parse_import(text: str) -> tuple[ForeignPool, ...]:
    """Pools out of what `zpool import` prints."""
    starts = [match.start() for match in re.finditer(r"^ *pool: ", text, re.MULTILINE)]
    found = (_pool(text[start:end]) for start, end in pairwise((*starts, len(text))))
    return tuple(pool for pool in found if pool is not None)


def _pool(text: str) -> ForeignPool | None:
    facts: dict[str, str] = {}
    head, _, config = text.partition("config:\n")
    key = ""
    for line in head.splitlines():
        if match := _KEY.match(line):
            key = match[1]
            facts[key] = match[2].strip()
        elif key and line.startswith("\t"):
            facts[key] += f" {line.strip()}"
    if not _GUID.fullmatch(facts.get("id", "")):
        return None
    devices = tuple(_devices(config))
    return ForeignPool(
        name=shown(facts.get("pool", "")), guid=facts["id"], state=_state(facts.get("state", "")),
        problem=shown(facts.get("status", "")), remedy=shown(facts.get("action", "")),
        disks=tuple((name, is_found) for name, is_found, _ in devices),
        is_of_other_host=_OTHER_HOST in facts.get("status", ""),
        has_missing_log=any(is_log and not is_found for _, is_found, is_log in devices),
    )  # fmt: skip


def _devices(config: str) -> Iterator[tuple[str, bool, bool]]:
    """Name, whether it is found, whether it is a log."""
    is_log = False
    for line in config.splitlines():
        if line.startswith("\t") and not line.startswith("\t "):
            is_log = line.strip() == "logs"
        match = _DEVICE.match(line)
        if match and not _GROUPS.match(match[1]):
            yield shown(match[1]), match[2] in {"ONLINE", "DEGRADED"}, is_log


def _state(word: str) -> PoolState:
    try:
        return PoolState(word.split(" ")[0])
    except ValueError:
        return PoolState.UNKNOWN


def parse_label(text: str) -> Label:
    """What `zdb -lu DEVICE` tells of the last use; of several labels the newest time."""
    host = re.search(r"^ {4}hostname: '([^'\n]*)'", text, re.MULTILINE)
    host_id = re.search(r"^ {4}hostid: ([0-9]+)", text, re.MULTILINE)
    times = re.findall(r"^\ttimestamp = ([0-9]{1,12}) ", text, re.MULTILINE)
    return Label(
        host=shown(host[1]) if host else "", host_id=host_id[1] if host_id else "",
        written=max(map(int, times), default=0),
    )  # fmt: skip
