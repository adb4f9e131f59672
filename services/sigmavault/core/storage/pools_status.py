"""Pools out of `zpool status -j --json-int -p -P` (ZFS 2.3, zpool-status(8)). Pure.

One call tells everything: states, error counters, how far a scrub or resilver is, and how full the pool is.
Of its text only what stands here is taken over; a number that is no number, a missing name, or nesting
without end is an error, never a guess.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sigmavault.core.errors import OperationError
from sigmavault.core.storage.pools import (
    Pool,
    PoolState,
    Role,
    Scan,
    ScanKind,
    ScanState,
    Vdev,
    VdevKind,
    VdevState,
)

_DEEPEST: Final = 8
"""A spare in the place of a disk that is being replaced in a mirror is five levels deep."""
_Count = Annotated[int, Field(ge=0, lt=2**64)]


class _Raw(BaseModel):
    # ZFS adds keys from version to version: what we do not know is passed over, what we take is checked
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _RawScan(_Raw):
    function: str
    state: str
    start_time: _Count = 0
    end_time: _Count = 0
    to_examine: _Count = 0
    skipped: _Count = 0
    issued: _Count = 0
    issued_bytes_per_scan: _Count = 0
    pass_start: _Count = 0
    scrub_pause: _Count = 0
    scrub_spent_paused: _Count = 0
    errors: _Count = 0


class _RawVdev(_Raw):
    name: str
    vdev_type: str
    guid: _Count = 0
    vdev_class: str = Field(default="normal", alias="class")
    state: str
    path: str = ""
    was: str = ""
    aux: str = ""
    alloc_space: _Count = 0
    total_space: _Count = 0
    def_space: _Count = 0
    rep_dev_size: _Count = 0
    phys_space: _Count = 0
    read_errors: _Count = 0
    write_errors: _Count = 0
    checksum_errors: _Count = 0
    slow_ios: _Count = 0
    scan_processed: _Count = 0
    resilver_deferred: _Count = 0
    vdevs: dict[str, _RawVdev] = {}


class _RawPool(_Raw):
    name: str
    state: str
    pool_guid: _Count
    status: str = ""
    action: str = ""
    msgid: str = ""
    error_count: _Count = 0
    scan_stats: _RawScan | None = None
    vdevs: dict[str, _RawVdev] = {}
    special: dict[str, _RawVdev] = {}
    dedup: dict[str, _RawVdev] = {}
    logs: dict[str, _RawVdev] = {}
    l2cache: dict[str, _RawVdev] = {}
    spares: dict[str, _RawVdev] = {}


class _RawStatus(_Raw):
    pools: dict[str, _RawPool]


def parse_status(text: str) -> tuple[Pool, ...]:
    """Pools out of what `zpool status -j --json-int -p -P` prints, in its order.

    Raises:
        OperationError: it is not what ZFS 2.3 prints; the message names the place.
    """
    try:
        raw = _RawStatus.model_validate_json(text)
        return tuple(_pool(each) for each in raw.pools.values())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "its beginning"
        raise OperationError(
            f"`zpool status` printed something unexpected at {place}: {first['msg']}"
        ) from error


def _pool(raw: _RawPool) -> Pool:
    root = raw.vdevs.get(raw.name)
    groups = (
        (root.vdevs if root else {}, Role.DATA), (raw.special, Role.SPECIAL), (raw.dedup, Role.DEDUP),
        (raw.logs, Role.LOG), (raw.l2cache, Role.CACHE), (raw.spares, Role.SPARE),
    )  # fmt: skip
    vdevs = tuple(_vdev(each, role) for group, role in groups for each in group.values())
    return Pool(
        name=raw.name, guid=str(raw.pool_guid), state=_member(PoolState, raw.state), vdevs=vdevs,
        size_bytes=root.total_space if root else 0, allocated_bytes=root.alloc_space if root else 0,
        usable_bytes=root.def_space if root else 0, data_errors=raw.error_count,
        problem=_one_line(raw.status), remedy=_one_line(raw.action), message_id=raw.msgid,
        scan=_scan(raw.scan_stats) if raw.scan_stats else None,
    )  # fmt: skip


def _vdev(raw: _RawVdev, role: Role, depth: int = 0) -> Vdev:
    if depth > _DEEPEST:
        raise OperationError(f"`zpool status` tells of vdevs more than {_DEEPEST} levels deep")
    return Vdev(
        name=raw.name, guid=str(raw.guid), kind=_kind(raw), role=role, state=_member(VdevState, raw.state),
        path=raw.path or raw.was, size_bytes=raw.phys_space, needed_bytes=raw.rep_dev_size,
        read_errors=raw.read_errors, write_errors=raw.write_errors, checksum_errors=raw.checksum_errors,
        slow_ios=raw.slow_ios, aux=raw.aux, is_rebuilt=bool(raw.scan_processed or raw.resilver_deferred),
        children=tuple(_vdev(child, role, depth + 1) for child in raw.vdevs.values()),
    )  # fmt: skip


def _kind(raw: _RawVdev) -> VdevKind:
    # the type of every raidz is `raidz`: how many disks it can lose stands in the name alone
    word = raw.name.partition("-")[0] if raw.vdev_type == "raidz" else raw.vdev_type
    try:
        return VdevKind(word)
    except ValueError:
        return VdevKind.OTHER


def _scan(raw: _RawScan) -> Scan | None:
    kinds = {"SCRUB": ScanKind.SCRUB, "RESILVER": ScanKind.RESILVER, "ERRORSCRUB": ScanKind.ERROR_SCRUB}
    states = {
        "SCANNING": ScanState.RUNNING, "ERRORSCRUBBING": ScanState.RUNNING,
        "FINISHED": ScanState.FINISHED, "CANCELED": ScanState.CANCELLED,
    }  # fmt: skip
    if raw.function not in kinds or raw.state not in states:
        return None
    scan = Scan(
        kind=kinds[raw.function], state=states[raw.state], started=raw.start_time, ended=raw.end_time,
        total_bytes=max(0, raw.to_examine - raw.skipped), done_bytes=raw.issued,
        pass_bytes=raw.issued_bytes_per_scan, pass_started=raw.pass_start, paused_s=raw.scrub_spent_paused,
        errors=raw.errors,
    )  # fmt: skip
    is_paused = scan.is_running and raw.scrub_pause > 0
    return replace(scan, state=ScanState.PAUSED) if is_paused else scan


def _member[E: StrEnum](kind: type[E], word: str) -> E:
    try:
        return kind(word)
    except ValueError:
        return kind("UNKNOWN")


def _one_line(text: str) -> str:
    return " ".join(text.split())
