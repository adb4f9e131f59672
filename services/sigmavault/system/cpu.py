"""What the kernel lets this process use of the machine's CPUs."""

from __future__ import annotations

import os
from pathlib import Path

from sigmavault.core.threads import CpuView, parse_cpu_list, parse_cpu_max, tightest

_CGROUPS = Path("/sys/fs/cgroup")
_CPUS = Path("/sys/devices/system/cpu")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # hidden by the sandbox, or no such file on this kernel
        return ""


def _own_cgroup(proc: Path) -> Path:
    for line in _read(proc / "self/cgroup").splitlines():
        if line.startswith("0::"):  # the unified hierarchy
            return Path(line.removeprefix("0::").lstrip("/"))
    return Path()


def read_quota(*, proc: Path = Path("/proc"), root: Path = _CGROUPS) -> float | None:
    """CPUs that the tightest `cpu.max` between this process and the root grants."""
    own = _own_cgroup(proc)
    return tightest(parse_cpu_max(_read(root / group / "cpu.max")) for group in (own, *own.parents))


def read_cpus() -> CpuView:
    """CPUs, cores and quota of this process."""
    allowed = frozenset(os.sched_getaffinity(0))
    siblings = (
        parse_cpu_list(_read(_CPUS / f"cpu{number}/topology/thread_siblings_list")) or frozenset({number})
        for number in sorted(allowed)
    )
    return CpuView(allowed=allowed, siblings=tuple(siblings), quota=read_quota())
