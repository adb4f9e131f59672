"""Limits of the control groups above this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from sigmavault.core.cgroups import (
    Membership,
    lineage,
    parse_cfs_quota,
    parse_membership,
    parse_memory_max,
)
from sigmavault.core.threads import parse_cpu_max, tightest
from sigmavault.system.files import read_or_empty

_MOUNT = Path("sys/fs/cgroup")


def read_quota(root: Path = Path("/"), *, machine_only: bool = False) -> float | None:
    """CPUs that the tightest group between this process and the root grants; None: no limit.

    Args:
        root: where the file system of the machine is.
        machine_only: without the product's own slice.
    """

    def unified(group: Path) -> float | None:
        return parse_cpu_max(read_or_empty(group / "cpu.max"))

    def legacy(group: Path) -> float | None:
        quota, period = (read_or_empty(group / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        return parse_cfs_quota(quota, period)

    return tightest(_limits(root, "cpu", unified, legacy, machine_only=machine_only))


def read_memory_limit(root: Path = Path("/"), *, machine_only: bool = False) -> int | None:
    """Bytes that the tightest group grants, throttling included; None: no limit. Like `read_quota`."""

    def unified(group: Path) -> int | None:
        found = (parse_memory_max(read_or_empty(group / name)) for name in ("memory.max", "memory.high"))
        return min((each for each in found if each is not None), default=None)

    def legacy(group: Path) -> int | None:
        return parse_memory_max(read_or_empty(group / "memory.limit_in_bytes"))

    found = _limits(root, "memory", unified, legacy, machine_only=machine_only)
    return min((each for each in found if each is not None), default=None)


def _limits[T](
    root: Path,
    controller: str,
    unified: Callable[[Path], T | None],
    legacy: Callable[[Path], T | None],
    *,
    machine_only: bool,
) -> Iterator[T | None]:
    """The limit of each group that this process is in, of both versions."""
    own = parse_membership(read_or_empty(root / "proc/self/cgroup"))
    for folder, group in _unified_groups(root, own):
        yield from (unified(folder / each) for each in lineage(group, machine_only=machine_only))
    if (group_v1 := own.legacy.get(controller)) is not None:
        folder = root / _MOUNT / controller
        yield from (legacy(folder / each) for each in lineage(group_v1, machine_only=machine_only))


def _unified_groups(root: Path, own: Membership) -> Iterator[tuple[Path, PurePosixPath]]:
    # without a line of its own in /proc the root's files are the ones that hold
    yield root / _MOUNT, own.unified or PurePosixPath()


def unit_in(text: str) -> str:
    """The systemd unit that /proc/PID/cgroup tells of (cgroups(7)): its last part that is one, or empty."""
    parts = text.strip().rpartition("::")[2].split("/")
    return next((part for part in reversed(parts) if part.endswith((".service", ".scope"))), "")
