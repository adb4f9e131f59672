"""Pools as the operations answer them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

from sigmavault.core.operation import Bytes, Detail, Unit, Value
from sigmavault.core.storage.pools import Pool, PoolState, Role, Scan, ScanKind, ScanState, Vdev, VdevState
from sigmavault.core.storage.pools_redundancy import advice, in_words, redundancy_left

type Percent = Annotated[float, Unit("percent")]
type Seconds = Annotated[float, Unit("seconds")]


class PoolRow(Value):
    """A pool in one row.

    Attributes:
        guid: its identity, decimal.
        usable_bytes: what it holds, without parity and copies.
        used_percent: how full it is; None when the pool does not tell.
        failures_left: how many more disks may fail at worst; -1 when data is missing, None when not known.
        problem: what is wrong in ZFS's words; empty when nothing is.
        working_on: `resilver 42 %`; empty when nothing runs.
    """

    name: str
    guid: str
    state: PoolState
    usable_bytes: Bytes
    used_percent: Percent | None
    failures_left: int | None
    errors: int
    problem: str
    working_on: str


class VdevRow(Value):
    """A disk of a pool, or a group.

    Attributes:
        depth: 0 for a top-level vdev; what belongs to a group stands below it, one deeper.
        disk: its name in /dev/disk/by-id; empty for a group.
        kind: `disk`, `mirror`, `raidz2`, `replacing`, …
    """

    depth: int
    name: str
    guid: str
    disk: Annotated[str, Detail()]
    kind: str
    role: Role
    state: VdevState
    read_errors: int
    write_errors: int
    checksum_errors: int
    is_filled: bool


class ScanView(Value):
    """The last scrub or resilver, or the one that runs.

    Attributes:
        started: ISO 8601, UTC.
        ended: ISO 8601, UTC; None while it runs.
        bytes_per_second: since it began or was resumed; None when it does not run.
        seconds_left: at that rate; None when it does not run, or nobody can tell yet.
        errors: what could not be repaired.
    """

    kind: ScanKind
    state: ScanState
    started: str
    ended: str | None
    percent: Percent
    bytes_per_second: Bytes | None
    seconds_left: Seconds | None
    errors: int


class PoolView(Value):
    """A pool with all that is known of it.

    Attributes:
        size_bytes: of all data disks, with parity and copies.
        allocated_bytes: of these, used.
        usable_bytes: what it holds, without parity and copies.
        redundancy: how many more disks may fail, in words.
        data_errors: what is damaged and could not be repaired.
        problem: what is wrong in ZFS's words; empty when nothing is.
        remedy: what ZFS advises.
        advice: what to do, the most urgent first.
    """

    name: str
    guid: str
    state: PoolState
    size_bytes: Bytes
    allocated_bytes: Bytes
    usable_bytes: Bytes
    used_percent: Percent | None
    failures_left: int | None
    redundancy: str
    data_errors: int
    problem: str
    remedy: str
    advice: tuple[str, ...]
    scan: ScanView | None
    vdevs: tuple[VdevRow, ...]


def row(pool: Pool) -> PoolRow:
    """A pool in one row."""
    return PoolRow(
        name=pool.name, guid=pool.guid, state=pool.state, usable_bytes=pool.usable_bytes,
        used_percent=_rounded(pool.used_percent), failures_left=redundancy_left(pool),
        errors=pool.data_errors + sum(leaf.errors for leaf in pool.leaves()), problem=pool.problem,
        working_on=_work(pool.scan),
    )  # fmt: skip


def view(pool: Pool, now: float) -> PoolView:
    """A pool with all that is known of it, at a time in seconds since 1970."""
    return PoolView(
        name=pool.name, guid=pool.guid, state=pool.state, size_bytes=pool.size_bytes,
        allocated_bytes=pool.allocated_bytes, usable_bytes=pool.usable_bytes,
        used_percent=_rounded(pool.used_percent), failures_left=redundancy_left(pool),
        redundancy=in_words(pool), data_errors=pool.data_errors, problem=pool.problem, remedy=pool.remedy,
        advice=advice(pool), scan=_scan(pool.scan, now) if pool.scan else None, vdevs=tuple(_rows(pool)),
    )  # fmt: skip


def _rows(pool: Pool) -> Iterator[VdevRow]:
    resilvers = pool.scan is not None and pool.scan.is_running and pool.scan.kind is ScanKind.RESILVER

    def below(vdev: Vdev, depth: int) -> Iterator[VdevRow]:
        yield VdevRow(
            depth=depth, name=vdev.name, guid=vdev.guid, disk=vdev.disk, kind=vdev.kind.value,
            role=vdev.role, state=vdev.state, read_errors=vdev.read_errors, write_errors=vdev.write_errors,
            checksum_errors=vdev.checksum_errors, is_filled=resilvers and vdev.is_rebuilt,
        )  # fmt: skip
        for child in vdev.children:
            yield from below(child, depth + 1)

    for top in pool.vdevs:
        yield from below(top, 0)


def _scan(scan: Scan, now: float) -> ScanView:
    left = scan.seconds_left(now)
    return ScanView(
        kind=scan.kind, state=scan.state, started=iso(scan.started),
        ended=iso(scan.ended) if scan.ended else None, percent=round(scan.percent, 1),
        bytes_per_second=round(scan.rate(now)) if scan.is_running else None,
        seconds_left=round(left) if left is not None else None, errors=scan.errors,
    )  # fmt: skip


def _work(scan: Scan | None) -> str:
    if scan is None or scan.state not in {ScanState.RUNNING, ScanState.PAUSED}:
        return ""
    return f"{scan.kind} {scan.percent:.0f} %" + (", paused" if scan.state is ScanState.PAUSED else "")


def iso(seconds: int) -> str:
    """Seconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(min(seconds, 2**37), UTC).isoformat()


def _rounded(percent: float | None) -> float | None:
    return None if percent is None else round(percent, 1)
