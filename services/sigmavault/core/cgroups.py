"""What control groups say of limits, in both versions of their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

OWN_SLICE, MODEL_SLICE = "sigmavault.slice", "sigmavault_ai.slice"
"""What they and the groups in them limit is the product's own budget, not a property of the machine."""

_V1_NO_LIMIT = 1 << 60
"""Version 1 has no word for "none": it says the largest number of pages, near 2^63."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """The groups that a process is in.

    Attributes:
        unified: path in the hierarchy of version 2; None where there is none.
        legacy: path of each controller in the hierarchies of version 1.
    """

    unified: PurePosixPath | None
    legacy: Mapping[str, PurePosixPath]


def parse_membership(text: str) -> Membership:
    """The groups out of `/proc/self/cgroup`; what is no line of it is passed over."""
    unified: PurePosixPath | None = None
    legacy: dict[str, PurePosixPath] = {}
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, found, path = rest.partition(":")
        if not found:
            continue
        group = PurePosixPath(path.lstrip("/"))
        if number == "0" and not controllers:
            unified = group
        legacy.update(dict.fromkeys(filter(None, controllers.split(",")), group))
    return Membership(unified=unified, legacy=legacy)


def lineage(group: PurePosixPath, *, machine_only: bool = False) -> tuple[PurePosixPath, ...]:
    """A group and those above it, the root last.

    Args:
        group: path below the root of the hierarchy.
        machine_only: leave out the product's own slices and what is in them.
    """
    whole = (group, *group.parents)
    if not machine_only:
        return whole
    return tuple(each for each in whole if not {OWN_SLICE, MODEL_SLICE} & set(each.parts))


def parse_memory_max(text: str) -> int | None:
    """Bytes that `memory.max`, `memory.high` or `memory.limit_in_bytes` grants; None for no limit."""
    value = text.strip()
    if not value.isdecimal() or int(value) >= _V1_NO_LIMIT:
        return None
    return int(value)


def parse_cfs_quota(quota_us: str, period_us: str) -> float | None:
    """CPUs that version 1 grants: `cpu.cfs_quota_us` by `cpu.cfs_period_us`; -1 is no limit."""
    quota, period = quota_us.strip(), period_us.strip()
    if not quota.isdecimal() or not period.isdecimal() or int(period) == 0:
        return None
    return int(quota) / int(period)
