"""What the operations on disks answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from sigmavault.core.operation import Bytes, Detail, Unit, Value
from sigmavault.core.storage.disks import Disk, Kind, kind_of
from sigmavault.core.storage.eligibility import (
    Code,
    Override,
    Reason,
    at_a_glance,
    contents,
    is_overwritable,
    use_of,
)
from sigmavault.core.storage.smart import Health, Report, SelfTest, Verdict

Celsius = Annotated[float, Unit("celsius")]
Percent = Annotated[int, Unit("percent")]


class DiskRow(Value):
    """A disk in the list.

    Attributes:
        name: its name in /dev/disk/by-id, to use in all commands; empty when it has none.
        path: what the kernel calls it now; another disk after the next boot.
        serial: as printed on it; empty when it does not tell.
        temperature_c: of the kernel's sensor; None when there is none.
        smart: what it last said of its health.
        smart_at: when; None when it was never asked.
        use: what it is used for now: `pool tank`, `system`, `data: …`, `free`.
        is_eligible: whether it may become part of a pool, as far as can be told without reading it.
        why_not: why it may not, the weightiest reason; empty when it may.
        reasons: the codes of all reasons.
    """

    name: str
    path: Annotated[str, Detail()]
    model: str
    serial: str
    size_bytes: Bytes
    use: str
    kind: Annotated[Kind, Detail()]
    temperature_c: Celsius | None
    smart: Verdict
    smart_at: str | None
    is_eligible: Annotated[bool, Detail()]
    why_not: Annotated[str, Detail()]
    reasons: Annotated[tuple[Code, ...], Detail()]


class AgainstIt(Value):
    """One reason why a disk may not become part of a pool.

    Attributes:
        hint: what to do about it; empty where there is nothing.
        override: what lifts it, said about this disk; None when nothing does.
    """

    code: Code
    text: str
    hint: str
    override: Override | None


class SelfTestRow(Value):
    """A self-test out of the log of a disk.

    Attributes:
        has_passed: None when it was broken off, or still runs.
        at_hours: power-on hours of the disk when it ended.
    """

    kind: str
    result: str
    has_passed: bool | None
    at_hours: int | None


class HealthFacts(Value):
    """What a disk says of its health now; None is what it does not tell. See `core.storage.smart.Report`."""

    verdict: Verdict
    concerns: tuple[str, ...]
    message: str
    power_on_hours: int | None
    reallocated: int | None
    pending: int | None
    uncorrectable: int | None
    media_errors: int | None
    spare_percent: Percent | None
    used_percent: Percent | None
    can_self_test: bool
    self_test_remaining_percent: Percent | None
    self_tests: tuple[SelfTestRow, ...]


class DiskFacts(Value):
    """All about a disk.

    Attributes:
        aliases: all its names in /dev/disk/by-id.
        contents: what is on it.
        mounts: where it is mounted.
        against: why it may not become part of a pool; empty when it may.
        can_be_wiped: whether `disk wipe` would take it.
        last: what it said of its health before, when it says nothing now.
    """

    name: str
    aliases: tuple[str, ...]
    path: str
    model: str
    vendor: str
    serial: str
    wwn: str
    transport: str
    kind: Kind
    size_bytes: Bytes
    sector_bytes: Bytes
    physical_sector_bytes: Bytes
    is_rotational: bool
    temperature_c: Celsius | None
    use: str
    contents: tuple[str, ...]
    mounts: tuple[str, ...]
    against: tuple[AgainstIt, ...]
    can_be_wiped: bool
    health: HealthFacts
    last: LastHealth | None


class LastHealth(Value):
    """What a disk said of its health when it last did."""

    verdict: Verdict
    at: str
    concerns: tuple[str, ...]


def row(disk: Disk) -> DiskRow:
    """A disk in the list."""
    against = at_a_glance(disk)
    return DiskRow(
        name=disk.name, path=disk.path, model=disk.model, serial=disk.serial, size_bytes=disk.size_bytes,
        kind=kind_of(disk), temperature_c=disk.temperature_c,
        smart=disk.health.verdict if disk.health else Verdict.UNKNOWN,
        smart_at=iso(disk.health.checked_at) if disk.health else None,
        use=use_of(disk), is_eligible=not against, why_not=against[0].text if against else "",
        reasons=tuple(dict.fromkeys(reason.code for reason in against)),
    )  # fmt: skip


def facts(disk: Disk, report: Report) -> DiskFacts:
    """All about a disk."""
    temperature = report.temperature_c if disk.temperature_c is None else disk.temperature_c
    against = at_a_glance(disk)
    return DiskFacts(
        name=disk.name, aliases=disk.aliases, path=disk.path, model=disk.model, vendor=disk.vendor,
        serial=disk.serial, wwn=disk.wwn, transport=disk.transport, kind=kind_of(disk),
        size_bytes=disk.size_bytes, sector_bytes=disk.sector_bytes,
        physical_sector_bytes=disk.physical_sector_bytes, is_rotational=disk.is_rotational,
        temperature_c=temperature, use=use_of(disk), contents=contents(disk), mounts=disk.mounts,
        against=tuple(_against(reason) for reason in against), can_be_wiped=is_overwritable(disk),
        health=_health(report), last=_last(disk.health),
    )  # fmt: skip


def iso(seconds: float) -> str:
    """A moment as ISO 8601 in UTC, out of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _against(reason: Reason) -> AgainstIt:
    return AgainstIt(code=reason.code, text=reason.text, hint=reason.hint, override=reason.override)


def _health(report: Report) -> HealthFacts:
    return HealthFacts(
        verdict=report.verdict, concerns=report.concerns, message=report.message,
        power_on_hours=report.power_on_hours, reallocated=report.reallocated, pending=report.pending,
        uncorrectable=report.uncorrectable, media_errors=report.media_errors,
        spare_percent=report.spare_percent, used_percent=report.used_percent,
        can_self_test=report.can_self_test,
        self_test_remaining_percent=report.self_test_remaining_percent,
        self_tests=tuple(_self_test(each) for each in report.self_tests),
    )  # fmt: skip


def _self_test(test: SelfTest) -> SelfTestRow:
    return SelfTestRow(kind=test.kind, result=test.result, has_passed=test.has_passed, at_hours=test.at_hours)


def _last(health: Health | None) -> LastHealth | None:
    if health is None:
        return None
    return LastHealth(verdict=health.verdict, at=iso(health.checked_at), concerns=health.concerns)
