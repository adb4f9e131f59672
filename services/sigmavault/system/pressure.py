"""What the kernel counts of load: pressure, CPU time, NFS calls, the ZFS cache. Reading needs no rights.

Sources: psi.rst, cgroup-v2.rst, proc_stat(5), fs/nfsd/stats.c, module/zfs/arc.c (arcstats).
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from sigmavault.core.governor.watching import (
    RESOURCES,
    Arc,
    Stalls,
    parse_arcstats,
    parse_cpu_stat,
    parse_nfsd,
    parse_proc_stat,
    stalls,
)
from sigmavault.system.files import read_or_empty

_CGROUPS = Path("sys/fs/cgroup")
_PROC = Path("proc")
_ARC = Path("proc/spl/kstat/zfs/arcstats")


def machine_stalls(root: Path) -> Stalls | None:
    """How long tasks of the machine have waited; None where the kernel does not count."""
    return stalls({each: read_or_empty(root / _PROC / "pressure" / each) for each in RESOURCES})


def group_stalls(root: Path, group: PurePosixPath) -> Stalls | None:
    """As `machine_stalls`, of a control group (a path below the root of version 2)."""
    return stalls({each: read_or_empty(root / _CGROUPS / group / f"{each}.pressure") for each in RESOURCES})


def group_cpu_us(root: Path, group: PurePosixPath) -> int | None:
    """CPU time of a control group, microseconds; None where there is no such group."""
    return parse_cpu_stat(read_or_empty(root / _CGROUPS / group / "cpu.stat"))


def all_cpu(root: Path) -> tuple[int, int] | None:
    """CPU time of the machine and what of it was idle, in ticks."""
    return parse_proc_stat(read_or_empty(root / _PROC / "stat"))


def nfs_server(root: Path) -> tuple[int, int] | None:
    """Bytes and calls of the NFS server in the kernel; None while none runs."""
    return parse_nfsd(read_or_empty(root / _PROC / "net/rpc/nfsd"))


def arc(root: Path) -> Arc | None:
    """The ZFS cache; None without ZFS."""
    return parse_arcstats(read_or_empty(root / _ARC))
