"""What the kernel lets this process use of the machine's CPUs."""

from __future__ import annotations

from pathlib import Path

from sigmavault.core.hardware import parse_cpuinfo
from sigmavault.core.threads import CpuView, parse_cpu_list
from sigmavault.system import cgroups
from sigmavault.system.files import read_or_empty

_CPUS = Path("sys/devices/system/cpu")


def read_allowed(root: Path = Path("/")) -> frozenset[int]:
    """Numbers of the CPUs in this process' affinity mask that are online."""
    online = read_online(root)
    for line in read_or_empty(root / "proc/self/status").splitlines():
        if line.startswith("Cpus_allowed_list:"):
            allowed = parse_cpu_list(line.partition(":")[2])
            # the mask may name CPUs that do not exist (yet)
            return allowed & online or allowed
    return online or frozenset({0})


def read_online(root: Path = Path("/")) -> frozenset[int]:
    """Numbers of the CPUs that the kernel runs; none where it does not say."""
    return parse_cpu_list(read_or_empty(root / _CPUS / "online"))


def read_cpus(root: Path = Path("/"), *, machine_only: bool = False) -> CpuView:
    """CPUs, cores and quota of this process.

    Args:
        root: where the file system of the machine is.
        machine_only: the quota without the product's own budget.
    """
    allowed = read_allowed(root)
    siblings = (
        parse_cpu_list(read_or_empty(root / _CPUS / f"cpu{number}/topology/thread_siblings_list"))
        or frozenset({number})
        for number in sorted(allowed)
    )
    quota = cgroups.read_quota(root, machine_only=machine_only)
    return CpuView(allowed=allowed, siblings=tuple(siblings), quota=quota)


def read_name(root: Path = Path("/")) -> str:
    """What the processor calls itself; empty where it does not say."""
    return parse_cpuinfo(read_or_empty(root / "proc/cpuinfo")).name
