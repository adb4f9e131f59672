"""What a disk says about its health. Pure. `smart_report` reads it from what smartctl prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a disk is doing."""

    PASSED = "passed"
    """It finds nothing wrong with itself, and nothing it counts says otherwise."""
    WARNING = "warning"
    """It still passes, but something it counts or tested points to trouble."""
    FAILED = "failed"
    """It says itself that it fails."""
    UNSUPPORTED = "unsupported"
    """It has no SMART (a virtual disk, many USB bridges)."""
    ASLEEP = "asleep"
    """It stands still, and was not woken for this."""
    UNKNOWN = "unknown"
    """It was not asked, or its answer makes no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is kept of a look at a disk.

    Attributes:
        verdict: how it is doing.
        checked_at: when it said so, in seconds since 1970.
        concerns: what points to trouble, a sentence each.
    """

    verdict: Verdict
    checked_at: float
    concerns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """A self-test that a disk has in its log, or is running.

    Attributes:
        kind: the disk's words: `Short offline`, `Extended`.
        result: the disk's words.
        has_passed: None while it runs, or when it was broken off.
        at_hours: power-on hours when it ended; None when not told.
    """

    kind: str
    result: str
    has_passed: bool | None
    at_hours: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a disk says of itself. None: it does not say.

    Attributes:
        verdict: how it is doing.
        concerns: what points to trouble, a sentence each.
        message: why there is no more to tell; empty when there is.
        temperature_c: now.
        power_on_hours: since it was made.
        reallocated: sectors replaced by spare ones (SCSI: grown defects).
        pending: sectors that could not be read and wait to be written.
        uncorrectable: sectors or reads that could not be corrected.
        media_errors: of NVMe: errors in the data that could not be corrected.
        spare_percent, spare_threshold_percent: of NVMe: spare blocks left, and where the maker worries.
        used_percent: of NVMe: how much of the life that the maker expects is used; may be over 100.
        self_test_remaining_percent: of the self-test that is running; None when none is.
        can_self_test: whether it can test itself.
        self_test_minutes: kind (`short`, `long`) → how long the maker says it takes.
        self_tests: its log, the latest first.
    """

    verdict: Verdict
    concerns: tuple[str, ...] = ()
    message: str = ""
    temperature_c: int | None = None
    power_on_hours: int | None = None
    reallocated: int | None = None
    pending: int | None = None
    uncorrectable: int | None = None
    media_errors: int | None = None
    spare_percent: int | None = None
    spare_threshold_percent: int | None = None
    used_percent: int | None = None
    self_test_remaining_percent: int | None = None
    can_self_test: bool = False
    self_test_minutes: Mapping[str, int]
    self_tests: tuple[SelfTest, ...] = ()
