"""How much memory processes use, and how much the machine has left."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from sigmavault.core.cgroups import lineage, parse_membership, parse_memory_max
from sigmavault.core.residency import Memory
from sigmavault.system.files import read_or_empty

_ARC = Path("proc/spl/kstat/zfs/arcstats")
_CGROUPS = Path("sys/fs/cgroup")
_KIB = 1024


def resident_bytes(pids: Iterable[int]) -> int:
    """Resident memory of the processes together; those that have ended count nothing."""
    pages = 0
    for pid in pids:
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")


def held_bytes(pid: int, root: Path = Path("/")) -> int:
    """Memory of a process that the kernel cannot drop: what is not backed by a file."""
    fields = _fields(read_or_empty(root / f"proc/{pid}/status"), ":")
    return sum(fields.get(key, 0) for key in ("RssAnon", "RssShmem")) * _KIB


def read_memory(root: Path = Path("/")) -> Memory:
    """The machine's memory as `core.residency` counts it."""
    meminfo = _fields(read_or_empty(root / "proc/meminfo"), ":")
    arc = {
        words[0]: int(words[2])
        for line in read_or_empty(root / _ARC).splitlines()
        if len(words := line.split()) == 3 and words[2].isdecimal()
    }
    return Memory(
        # where a sandbox hides meminfo: what is wholly free, which is less
        available=meminfo.get("MemAvailable", 0) * _KIB
        or os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        arc=arc.get("size", 0),
        arc_least=arc.get("c_min", 0),
        group_left=_group_left(root),
    )


def go_first() -> None:
    """Have the kernel take this process before all others when memory runs out (proc_pid_oom_score_adj(5)).

    With the service's own 500 it would not: a process that has half of the memory and swap counts for more.
    """
    with contextlib.suppress(OSError):  # a sandbox may forbid it; the service's own value holds then
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def _group_left(root: Path) -> int | None:
    """What the tightest control group above this process leaves; page cache in it can be dropped."""
    own = parse_membership(read_or_empty(root / "proc/self/cgroup")).unified or PurePosixPath()
    left = (_left(root / _CGROUPS / group) for group in lineage(own))
    return min((each for each in left if each is not None), default=None)


def _left(group: Path) -> int | None:
    limits = (parse_memory_max(read_or_empty(group / name)) for name in ("memory.max", "memory.high"))
    limit = min((each for each in limits if each is not None), default=None)
    if limit is None:
        return None
    charged = _fields(read_or_empty(group / "memory.stat"), " ")
    return max(0, limit - sum(charged.get(key, 0) for key in ("anon", "shmem", "kernel")))


def _fields(text: str, separator: str) -> Mapping[str, int]:
    """`Key: 12 kB` or `key 12` lines to numbers."""
    found = {}
    for line in text.splitlines():
        key, _, value = line.partition(separator)
        words = value.split()
        if words and words[0].isdecimal():
            found[key] = int(words[0])
    return found
