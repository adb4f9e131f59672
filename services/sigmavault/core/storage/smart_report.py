"""Reads what a disk says about its health, out of `smartctl --json` (smartctl(8), smartmontools 7.4). Pure.

The text comes from the firmware of a disk, which may be broken or hostile: every value is checked for its
type and size, and one that makes no sense is not known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import IntFlag
from typing import Final

from sigmavault.core.storage.smart import Report, SelfTest, Verdict


class Exit(IntFlag):
    """The bits of smartctl's exit code."""

    USAGE = 1
    OPEN_FAILED = 2
    COMMAND_FAILED = 4
    FAILING = 8
    PREFAIL_NOW = 16
    PREFAIL_BEFORE = 32
    ERROR_LOG = 64
    SELF_TEST_LOG = 128


LONGEST_OUTPUT: Final = 4 * 1024 * 1024
_LARGEST: Final = 2**63 - 1
_MOST_TESTS: Final = 21
"""Entries of the ATA log (ACS-3); NVMe has 20."""
_LONGEST: Final = 200
_ASLEEP: Final = re.compile(r"device is in .{1,30} mode, exit", re.IGNORECASE)
_NOT_THERE: Final = re.compile(
    r"unable to detect device type|unknown usb bridge|please specify device type|smart support.*unavailable",
    re.IGNORECASE,
)
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")


class _Answer:
    """smartctl's answer, asked by path; whatever has another type or size than asked is not there."""

    def __init__(self, data: object) -> None:
        self._data = data

    def at(self, *path: str | int) -> object:
        found = self._data
        for step in path:
            if isinstance(step, str) and isinstance(found, Mapping):
                found = found.get(step)
            elif isinstance(step, int) and isinstance(found, list) and step < len(found):
                found = found[step]
            else:
                return None
        return found

    def number(self, *path: str | int, most: int = _LARGEST) -> int | None:
        found = self.at(*path)
        is_number = isinstance(found, int) and not isinstance(found, bool)
        return found if is_number and 0 <= found <= most else None  # type: ignore[operator, return-value]

    def percent(self, *path: str | int) -> int | None:
        return self.number(*path, most=100)

    def flag(self, *path: str | int) -> bool | None:
        found = self.at(*path)
        return found if isinstance(found, bool) else None

    def text(self, *path: str | int) -> str:
        found = self.at(*path)
        return _UNPRINTABLE.sub("?", found)[:_LONGEST].strip() if isinstance(found, str) else ""

    def rows(self, *path: str | int, most: int) -> Iterator[_Answer]:
        found = self.at(*path)
        for each in found[:most] if isinstance(found, list) else ():
            yield _Answer(each)


def parse_report(text: str, status: int) -> Report:
    """What a disk says, out of the output and the exit code of `smartctl --json=c --all`.

    Never raises: an answer that makes no sense is a report whose verdict is `unknown`.
    """
    try:
        if len(text) > LONGEST_OUTPUT:
            raise ValueError("too long")
        answer = _Answer(json.loads(text))
    except (ValueError, RecursionError):
        return Report(
            verdict=Verdict.UNKNOWN, message="smartctl's answer makes no sense", self_test_minutes={}
        )
    said = " ".join(each.text("string") for each in answer.rows("smartctl", "messages", most=20))
    if (silent := _why_silent(answer, said, Exit(status & 0xFF))) is not None:
        return silent
    return _report(answer, Exit(status & 0xFF), said)


def _why_silent(answer: _Answer, said: str, exit_bits: Exit) -> Report | None:
    """A report without content, when the disk was not really asked."""
    if _ASLEEP.search(said):
        return _silent(Verdict.ASLEEP, "it stands still, and was not woken for this")
    if answer.flag("smart_support", "available") is False or _NOT_THERE.search(said):
        return _silent(Verdict.UNSUPPORTED, "it has no SMART")
    if answer.flag("smart_support", "enabled") is False:
        return _silent(Verdict.UNSUPPORTED, "its SMART is switched off")
    if exit_bits & (Exit.USAGE | Exit.OPEN_FAILED):
        return _silent(Verdict.UNKNOWN, f"smartctl could not ask it: {said or 'no reason given'}")
    return None


def _silent(verdict: Verdict, message: str) -> Report:
    return Report(verdict=verdict, message=message, self_test_minutes={})


_NVME_TOO_HOT: Final = 0x02
"""The bit of the critical warning for a temperature outside its range (NVMe base specification, log 02h)."""
_REALLOCATED, _PENDING, _OFFLINE_UNCORRECTABLE, _REPORTED_UNCORRECTABLE = 5, 197, 198, 187


def _report(answer: _Answer, exit_bits: Exit, said: str) -> Report:
    attributes = _raw_attributes(answer)
    nvme = "nvme_smart_health_information_log"
    scsi_errors = answer.number("scsi_error_counter_log", "read", "total_uncorrected_errors")
    counted = Report(
        verdict=Verdict.UNKNOWN, self_test_minutes=_minutes(answer),
        temperature_c=answer.number("temperature", "current", most=200),
        power_on_hours=answer.number("power_on_time", "hours"),
        reallocated=_first(attributes.get(_REALLOCATED), answer.number("scsi_grown_defect_list")),
        pending=attributes.get(_PENDING),
        uncorrectable=_first(
            attributes.get(_OFFLINE_UNCORRECTABLE), attributes.get(_REPORTED_UNCORRECTABLE), scsi_errors
        ),
        media_errors=answer.number(nvme, "media_errors"),
        spare_percent=answer.percent(nvme, "available_spare"),
        spare_threshold_percent=answer.percent(nvme, "available_spare_threshold"),
        used_percent=answer.number(nvme, "percentage_used", most=255),
        self_test_remaining_percent=_remaining(answer), can_self_test=_can_self_test(answer),
        self_tests=tuple(_self_tests(answer)),
    )  # fmt: skip
    return _judged(counted, answer, exit_bits, said)


def _judged(counted: Report, answer: _Answer, exit_bits: Exit, said: str) -> Report:
    """The report, with the verdict and what it rests on."""
    critical = answer.number("nvme_smart_health_information_log", "critical_warning", most=255)
    concerns = tuple(_concerns(counted, exit_bits, critical))
    has_passed = answer.flag("smart_status", "passed")
    says_it_fails = has_passed is False or bool(exit_bits & Exit.FAILING)
    if says_it_fails and critical != _NVME_TOO_HOT:
        return replace(counted, verdict=Verdict.FAILED, concerns=concerns)
    if has_passed is None:
        message = f"it does not say how it is doing{f': {said}' if said else ''}"
        return replace(counted, verdict=Verdict.UNKNOWN, concerns=concerns, message=message)
    return replace(counted, verdict=Verdict.WARNING if concerns else Verdict.PASSED, concerns=concerns)


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _raw_attributes(answer: _Answer) -> dict[int, int]:
    """Raw values of the ATA attributes, by number."""
    found: dict[int, int] = {}
    for row in answer.rows("ata_smart_attributes", "table", most=64):
        number, raw = row.number("id", most=255), row.number("raw", "value")
        if number is not None and raw is not None:
            # makers pack a second figure into the upper bytes of these counters
            found.setdefault(number, raw & 0xFFFFFFFF)
    return found


def _concerns(report: Report, exit_bits: Exit, nvme_warning: int | None) -> Iterator[str]:
    if nvme_warning:
        yield f"it raises a critical warning (0x{nvme_warning:02x})"
    if exit_bits & Exit.PREFAIL_NOW:
        yield "a value that foretells failure is at its limit"
    if exit_bits & Exit.PREFAIL_BEFORE:
        yield "a value was at its limit before"
    for count, what in (
        (report.reallocated, "sectors were replaced by spare ones"),
        (report.pending, "sectors cannot be read"),
        (report.uncorrectable, "errors could not be corrected"),
        (report.media_errors, "errors in the data could not be corrected"),
    ):
        if count:
            yield f"{count} {what}"
    spare, threshold = report.spare_percent, report.spare_threshold_percent
    if spare is not None and threshold is not None and spare <= threshold:
        yield f"only {spare} % of the spare blocks are left"
    if report.used_percent is not None and report.used_percent >= 100:
        yield f"{report.used_percent} % of its expected life is used"
    if report.self_tests and report.self_tests[0].has_passed is False:
        yield f"its last self-test failed: {report.self_tests[0].result}"


# --- self-tests ---


def _remaining(answer: _Answer) -> int | None:
    """What is left of a running test, in percent."""
    ata = ("ata_smart_data", "self_test", "status")
    # the upper half byte 0xf means that a test is running (ACS-3, SMART READ DATA)
    if (value := answer.number(*ata, "value", most=255)) is not None and value >> 4 == 0xF:
        return answer.percent(*ata, "remaining_percent")
    if answer.number("nvme_self_test_log", "current_self_test_operation", "value", most=15):
        done = answer.percent("nvme_self_test_log", "current_self_test_completion_percent")
        return None if done is None else 100 - done
    if "in progress" in answer.text("scsi_self_test_0", "result", "string"):
        return 100  # a SCSI disk does not say how far it is
    return None


def _can_self_test(answer: _Answer) -> bool:
    """Whether the disk says that it can."""
    ata = answer.flag("ata_smart_data", "capabilities", "self_tests_supported")
    nvme = answer.flag("nvme_optional_admin_commands", "self_test")
    return bool(ata or nvme or answer.text("device", "protocol") == "SCSI")


def _minutes(answer: _Answer) -> dict[str, int]:
    path = ("ata_smart_data", "self_test", "polling_minutes")
    told = {
        "short": answer.number(*path, "short", most=65535),
        "long": answer.number(*path, "extended", most=65535),
    }
    seconds = answer.number("scsi_extended_self_test_seconds", most=10**7)
    if told["long"] is None and seconds is not None:
        told["long"] = -(-seconds // 60)
    return {kind: minutes for kind, minutes in told.items() if minutes is not None}


def _self_tests(answer: _Answer) -> Iterator[SelfTest]:
    yield from _ata_self_tests(answer)
    yield from _nvme_self_tests(answer)
    yield from _scsi_self_tests(answer)


def _ata_self_tests(answer: _Answer) -> Iterator[SelfTest]:
    for row in answer.rows("ata_smart_self_test_log", "standard", "table", most=_MOST_TESTS):
        status = row.number("status", "value", most=255)
        is_over = status is not None and status >> 4 not in {0x1, 0x2, 0xF}  # broken off, or running
        yield SelfTest(
            kind=row.text("type", "string"), result=row.text("status", "string"),
            has_passed=row.flag("status", "passed") if is_over else None,
            at_hours=row.number("lifetime_hours"),
        )  # fmt: skip


_NVME_RESULTS: Final = {0: True, 5: False, 6: False, 7: False}
_NVME_UNUSED: Final = 15


def _nvme_self_tests(answer: _Answer) -> Iterator[SelfTest]:
    for row in answer.rows("nvme_self_test_log", "table", most=_MOST_TESTS):
        result = row.number("self_test_result", "value", most=15)
        if result is None or result == _NVME_UNUSED:
            continue
        yield SelfTest(
            kind=row.text("self_test_code", "string"), result=row.text("self_test_result", "string"),
            has_passed=_NVME_RESULTS.get(result), at_hours=row.number("power_on_hours"),
        )  # fmt: skip


def _scsi_self_tests(answer: _Answer) -> Iterator[SelfTest]:
    for number in range(_MOST_TESTS):
        row = _Answer(answer.at(f"scsi_self_test_{number}"))
        if not (result := row.text("result", "string")):
            return
        # its number is told by newer versions of smartctl only
        failed = False if "fail" in result.lower() else None
        yield SelfTest(
            kind=row.text("code", "string"), result=result,
            has_passed=True if result == "Completed" else failed,
            at_hours=row.number("power_on_time", "hours"),
        )  # fmt: skip
