"""The machine that figures belong to."""

from __future__ import annotations

import os
import re
from pathlib import Path


def describe(etc: Path = Path("/etc"), proc: Path = Path("/proc")) -> dict[str, str]:
    """Processor, memory and operating system of this machine."""
    cpu = _first(proc / "cpuinfo", r"^model name\s*:\s*(.+)$")
    kib = _first(proc / "meminfo", r"^MemTotal:\s*(\d+) kB$")
    return {
        "processor": f"{len(os.sched_getaffinity(0))} x {cpu or 'unknown processor'}",
        "memory": f"{int(kib) / 1024**2:.0f} GiB" if kib else "",
        "system": _first(etc / "os-release", r'^PRETTY_NAME="?([^"\n]*)"?$'),
    }


def _first(path: Path, pattern: str) -> str:
    try:
        match = re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return ""
    return match[1].strip() if match else ""
