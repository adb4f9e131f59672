"""Snapshots as ZFS tells them, and the names that ours have. Pure.

Names have no `:`, which Windows cannot show, and carry UTC (Samba reads them: `shadow:localtime = no`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sigmavault.core.storage.datasets import Properties, each

COLUMNS: Final = ("name", "guid", "creation", "used", "referenced", "userrefs", "clones")
"""What is asked of every snapshot."""

POLICIES: Final = ("hourly", "daily", "weekly", "monthly")
"""The policies whose snapshots Windows shows as Previous Versions."""
MANUAL: Final = "manual"

_TIME: Final = "%Y.%m.%d-%H.%M.%S"
_POLICY_TAG: Final = re.compile(
    rf"sv-(?P<policy>{'|'.join(POLICIES)})_(?P<time>\d{{4}}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot of a dataset, or a bookmark of one.

    Attributes:
        name: `tank/photos@monday`; a bookmark is `tank/photos#monday`.
        guid: the identity that outlives names, as decimal text.
        created_at: when it was taken, seconds since 1970.
        created_txg: its place in the history of the pool: the larger is the newer.
        used_bytes: what only this snapshot holds.
        referenced_bytes: what it shows.
        holds: how many holds keep it from being destroyed.
        clones: names of the datasets that were made out of it.
        is_bookmark: it is but a mark, without data.
    """

    name: str
    guid: str
    created_at: int
    created_txg: int
    used_bytes: int
    referenced_bytes: int
    holds: int = 0
    clones: tuple[str, ...] = ()
    is_bookmark: bool = False

    @property
    def dataset(self) -> str:
        """Whose snapshot it is."""
        return self.name.partition("#" if self.is_bookmark else "@")[0]

    @property
    def tag(self) -> str:
        """What stands after the `@`."""
        return self.name.partition("#" if self.is_bookmark else "@")[2]


def parse_snapshots(text: str) -> tuple[Snapshot, ...]:
    """Snapshots and bookmarks of a `zfs list -j`, the oldest first.

    Raises:
        OperationError: the output cannot be read.
    """
    return tuple(sorted(each(text, _snapshot), key=lambda found: (found.created_txg, found.name)))


def _snapshot(found: Mapping[str, Any]) -> Snapshot | None:
    if found["type"] not in ("SNAPSHOT", "BOOKMARK"):
        return None
    properties = Properties(found["properties"])
    clones = properties.text("clones")
    return Snapshot(
        name=found["name"], guid=str(properties.plain("guid")),
        created_at=properties.number("creation") or 0, created_txg=int(found["createtxg"]),
        used_bytes=properties.number("used") or 0, referenced_bytes=properties.number("referenced") or 0,
        holds=properties.number("userrefs") or 0,
        clones=tuple(one for one in clones.split(",") if one) if clones else (),
        is_bookmark=found["type"] == "BOOKMARK",
    )  # fmt: skip


def newer_than(snapshots: Iterable[Snapshot], than: Snapshot) -> tuple[Snapshot, ...]:
    """What a rollback to `than` would destroy: younger snapshots and bookmarks of the same dataset."""
    return tuple(
        each for each in snapshots if each.dataset == than.dataset and each.created_txg > than.created_txg
    )


def obstacles(snapshots: Sequence[Snapshot], inside: str = "") -> tuple[str, ...]:
    """Why snapshots must not be destroyed, a sentence each; empty when they may be.

    Args:
        snapshots: which.
        inside: clones below this dataset go along and are no obstacle; empty for none.
    """
    found = []
    for one in snapshots:
        if one.holds:
            found.append(f"{one.name} is held ({one.holds})")
        outside = [
            clone for clone in one.clones
            if not inside or not (clone == inside or clone.startswith(f"{inside}/"))
        ]  # fmt: skip
        if outside:
            found.append(f"{one.name} is the origin of {', '.join(outside)}")
    return tuple(found)


def manual_tag(now: float) -> str:
    """The name of a snapshot that a person takes: `manual_2026.08.01-14.05.09`."""
    return f"{MANUAL}_{_stamp(now)}"


def policy_tag(policy: str, now: float) -> str:
    """The name of a snapshot that a policy takes: `sv-daily_2026.08.01-00.00.00`."""
    if policy not in POLICIES:
        raise ValueError(f"{policy!r} is none of {', '.join(POLICIES)}")
    return f"sv-{policy}_{_stamp(now)}"


def parse_policy_tag(tag: str) -> tuple[str, datetime] | None:
    """The policy and the time of such a name; None for any other."""
    if (found := _POLICY_TAG.fullmatch(tag)) is None:
        return None
    try:
        when = datetime.strptime(found["time"], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return found["policy"], when


def _stamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime(_TIME)


def iso(seconds: float) -> str:
    """A time as ISO 8601 in UTC: `2026-08-01T14:05:09Z`."""
    # isoformat is several times as fast as strftime, which counts for lists of thousands
    return f"{datetime.fromtimestamp(int(seconds), UTC).replace(tzinfo=None).isoformat()}Z"


def from_iso(text: str) -> float | None:
    """Seconds since 1970; None for what is no such time."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
