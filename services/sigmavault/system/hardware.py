"""Reads what this machine is. Needs no privileges and no service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sigmavault.core.hardware import (
    Hardware,
    last_cache_bytes,
    parse_cache_size,
    parse_cpuinfo,
    parse_meminfo,
)
from sigmavault.system.cgroups import read_memory_limit
from sigmavault.system.cpu import read_cpus, read_online
from sigmavault.system.files import read_or_empty

_CPUS = Path("sys/devices/system/cpu")


def read_hardware(root: Path = Path("/")) -> Hardware:
    """The machine, without its bandwidth; what cannot be read is 0, empty or None.

    Args:
        root: where its file system is.
    """
    memory = parse_meminfo(read_or_empty(root / "proc/meminfo"))
    cpus = read_cpus(root, machine_only=True)
    online = read_online(root) or cpus.allowed
    return Hardware(
        processor=parse_cpuinfo(read_or_empty(root / "proc/cpuinfo")),
        online=len(online),
        cpus=cpus,
        cache_bytes=last_cache_bytes(_caches(root, sorted(online))),
        memory_bytes=memory.get("MemTotal", 0),
        available_bytes=memory.get("MemAvailable", 0),
        memory_limit_bytes=read_memory_limit(root, machine_only=True),
    )


def _caches(root: Path, cpus: list[int]) -> Iterator[tuple[int, str, int]]:
    for number in cpus:
        for folder in sorted((root / _CPUS / f"cpu{number}/cache").glob("index*")):
            level, shared, size, kind = (
                read_or_empty(folder / name).strip() for name in ("level", "shared_cpu_list", "size", "type")
            )
            if level.isdecimal() and kind != "Instruction":
                yield int(level), shared, parse_cache_size(size)
