"""What processes take, out of /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")
_IDLE = (3, 4)
_BUSY = 8
"""Of the times in /proc/stat, the first eight are the machine's, two of them idle; later ones are parts."""


def _fields(pid: int) -> list[str]:
    """Those of /proc/PID/stat after the program's name; none when the process is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    parents = {int(each.name): _fields(int(each.name)) for each in _PROC.iterdir() if each.name.isdigit()}
    found = {pid}
    while more := {each for each, fields in parents.items() if fields and int(fields[1]) in found} - found:
        found |= more
    return found


def command(pid: int) -> list[str]:
    """Arguments that a process was started with; none when it is gone."""
    try:
        return (_PROC / str(pid) / "cmdline").read_text().split("\0")
    except OSError:
        return []


def memory_bytes(pids: Iterable[int]) -> tuple[int, int]:
    """Proportional and plain resident memory of processes: PSS shares out what several map, RSS does not."""
    totals = {"Pss": 0, "Rss": 0}
    for pid in pids:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in totals:
                totals[name] += int(value.split()[0]) * 1024
    return totals["Pss"], totals["Rss"]


def cpu_seconds(pids: Iterable[int]) -> float:
    """Time on a CPU that processes have had."""
    return sum(int(fields[11]) + int(fields[12]) for pid in pids if (fields := _fields(pid))) / _TICK


def _machine_seconds() -> float:
    times = [int(each) for each in (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:]][:_BUSY]
    return sum(each for at, each in enumerate(times) if at not in _IDLE) / _TICK


@dataclass(frozen=True, slots=True)
class Moment:
    """CPU time so far: of the machine, and of this process with all that descend from it."""

    when: float
    machine: float
    own: float

    @classmethod
    def now(cls) -> Moment:
        """This moment."""
        return cls(time.monotonic(), _machine_seconds(), cpu_seconds(family(os.getpid())))

    def others_since(self, earlier: Moment) -> float:
        """The share of the machine that everything else took since then: 0 on a quiet machine."""
        room = (self.when - earlier.when) * (os.cpu_count() or 1)
        return max(0.0, (self.machine - earlier.machine) - (self.own - earlier.own)) / room
