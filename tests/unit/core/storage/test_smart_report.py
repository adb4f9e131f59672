"""What disks say of their health, true and false.

The answers of virtual disks are recorded; those of real ones are composed in the form in which smartctl 7.4
prints them (ataprint.cpp, nvmeprint.cpp, scsiprint.cpp).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.storage.smart import Verdict
from sigmavault.core.storage.smart_report import LONGEST_OUTPUT, parse_report

RECORDED = Path(__file__).parent / "recorded/disks"
HEALTH = "nvme_smart_health_information_log"


def attribute(number: int, raw: object) -> dict[str, Any]:
    return {"id": number, "name": "x", "value": 100, "worst": 100, "thresh": 10, "raw": {"value": raw}}


def ata(**changes: Any) -> dict[str, Any]:
    """A SATA disk that is well."""
    attributes = [
        attribute(5, 0),
        attribute(9, 12345),
        attribute(187, 0),
        attribute(197, 0),
        attribute(198, 0),
    ]
    return {
        "smartctl": {"version": [7, 4], "exit_status": 0},
        "device": {"name": "/dev/sda", "type": "sat", "protocol": "ATA"},
        "smart_support": {"available": True, "enabled": True},
        "smart_status": {"passed": True},
        "temperature": {"current": 34},
        "power_on_time": {"hours": 12345},
        "ata_smart_attributes": {"revision": 16, "table": attributes},
        "ata_smart_data": {
            "self_test": {
                "status": {"value": 0, "string": "completed without error", "passed": True},
                "polling_minutes": {"short": 2, "extended": 431},
            },
            "capabilities": {"self_tests_supported": True},
        },
        "ata_smart_self_test_log": {
            "standard": {
                "table": [
                    {
                        "type": {"value": 1, "string": "Short offline"},
                        "status": {"value": 0, "string": "Completed without error", "passed": True},
                        "lifetime_hours": 12000,
                    }
                ]
            }
        },
    } | changes


def nvme(**health: int) -> dict[str, Any]:
    """An NVMe disk that is well but for `health`."""
    log = {
        "critical_warning": 0, "temperature": 38, "available_spare": 100, "available_spare_threshold": 10,
        "percentage_used": 3, "power_on_hours": 6487, "media_errors": 0,
    } | health  # fmt: skip
    return {
        "device": {"protocol": "NVMe"},
        "smart_support": {"available": True, "enabled": True},
        "smart_status": {"passed": log["critical_warning"] == 0, "nvme": {"value": log["critical_warning"]}},
        "nvme_optional_admin_commands": {"self_test": True},
        "temperature": {"current": 38},
        "power_on_time": {"hours": 6487},
        HEALTH: log,
        "nvme_self_test_log": {
            "current_self_test_operation": {"value": 0, "string": "No self-test in progress"},
            "table": [
                {
                    "self_test_code": {"value": 1, "string": "Short"},
                    "self_test_result": {"value": 0, "string": "Completed without error"},
                    "power_on_hours": 6000,
                },
                {"self_test_code": {"value": 0, "string": "?"}, "self_test_result": {"value": 15}},
            ],
        },
    }


def test_a_disk_that_is_well() -> None:
    report = parse_report(json.dumps(ata()), 0)
    assert report.verdict is Verdict.PASSED
    assert (report.temperature_c, report.power_on_hours, report.reallocated) == (34, 12345, 0)
    assert report.concerns == ()
    assert report.can_self_test
    assert report.self_test_minutes == {"short": 2, "long": 431}
    assert report.self_test_remaining_percent is None
    assert [(test.kind, test.has_passed, test.at_hours) for test in report.self_tests] == [
        ("Short offline", True, 12000)
    ]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (5, "8 sectors were replaced"),
        (197, "8 sectors cannot be read"),
        (198, "8 errors could not be corrected"),
    ],
)
def test_a_disk_that_passes_and_counts_errors_is_a_worry(number: int, words: str) -> None:
    rows = [attribute(number, 8), *(attribute(each, 0) for each in (5, 197, 198) if each != number)]
    report = parse_report(json.dumps(ata(ata_smart_attributes={"table": rows})), 0)
    assert report.verdict is Verdict.WARNING
    assert words in " ".join(report.concerns)


def test_a_second_figure_in_a_counter_is_not_counted() -> None:
    packed = {"table": [attribute(5, 0x1234_0000_0000)]}
    assert parse_report(json.dumps(ata(ata_smart_attributes=packed)), 0).reallocated == 0


@pytest.mark.parametrize(
    ("said", "status"), [({"passed": False}, 0), ({"passed": False}, 8), ({"passed": True}, 8)]
)
def test_a_disk_that_says_it_fails_fails(said: dict[str, bool], status: int) -> None:
    assert parse_report(json.dumps(ata(smart_status=said)), status).verdict is Verdict.FAILED


@pytest.mark.parametrize(("status", "words"), [(16, "at its limit"), (32, "at its limit before")])
def test_the_exit_code_tells_of_limits(status: int, words: str) -> None:
    report = parse_report(json.dumps(ata()), status)
    assert report.verdict is Verdict.WARNING
    assert words in report.concerns[0]


@pytest.mark.parametrize("status", [64, 128, 4])
def test_old_entries_of_a_log_are_no_verdict(status: int) -> None:
    assert parse_report(json.dumps(ata()), status).verdict is Verdict.PASSED


def test_a_running_self_test_is_told_with_what_is_left() -> None:
    data = ata()
    data["ata_smart_data"]["self_test"]["status"] = {
        "value": 0xF6,
        "string": "in progress",
        "remaining_percent": 60,
    }
    assert parse_report(json.dumps(data), 0).self_test_remaining_percent == 60


def test_a_failed_self_test_is_a_worry_and_one_broken_off_is_not() -> None:
    data = ata()
    entry = data["ata_smart_self_test_log"]["standard"]["table"][0]
    entry["status"] = {"value": 0x72, "string": "Completed: read failure", "passed": False}
    report = parse_report(json.dumps(data), 0)
    assert report.verdict is Verdict.WARNING
    assert report.concerns == ("its last self-test failed: Completed: read failure",)
    entry["status"] = {"value": 0x10, "string": "Aborted by host", "passed": True}
    report = parse_report(json.dumps(data), 0)
    assert report.verdict is Verdict.PASSED
    assert report.self_tests[0].has_passed is None


def test_nvme_that_is_well() -> None:
    report = parse_report(json.dumps(nvme()), 0)
    assert report.verdict is Verdict.PASSED
    assert (report.spare_percent, report.used_percent, report.media_errors) == (100, 3, 0)
    assert [test.has_passed for test in report.self_tests] == [True]
    assert report.can_self_test


@pytest.mark.parametrize(
    ("health", "verdict", "words"),
    [
        ({"critical_warning": 1}, Verdict.FAILED, "critical warning (0x01)"),
        ({"critical_warning": 2}, Verdict.WARNING, "critical warning (0x02)"),
        ({"critical_warning": 6}, Verdict.FAILED, "critical warning (0x06)"),
        ({"available_spare": 9}, Verdict.WARNING, "only 9 % of the spare"),
        ({"percentage_used": 137}, Verdict.WARNING, "137 % of its expected life"),
        ({"media_errors": 2}, Verdict.WARNING, "2 errors in the data"),
    ],
)
def test_nvme_that_is_not_well(health: dict[str, int], verdict: Verdict, words: str) -> None:
    report = parse_report(json.dumps(nvme(**health)), 8 if health.get("critical_warning") else 0)
    assert report.verdict is verdict
    assert words in report.concerns[0]


def test_a_running_nvme_self_test() -> None:
    data = nvme()
    data["nvme_self_test_log"] |= {
        "current_self_test_operation": {"value": 2, "string": "Extended self-test in progress"},
        "current_self_test_completion_percent": 30,
    }
    assert parse_report(json.dumps(data), 0).self_test_remaining_percent == 70


def test_scsi() -> None:
    data = {
        "device": {"protocol": "SCSI"}, "smart_support": {"available": True, "enabled": True},
        "smart_status": {"passed": True}, "scsi_grown_defect_list": 3,
        "scsi_error_counter_log": {"read": {"total_uncorrected_errors": 0}},
        "scsi_extended_self_test_seconds": 61,
        "scsi_self_test_0": {
            "code": {"string": "Background long"}, "result": {"string": "Completed, segment failed"},
            "power_on_time": {"hours": 7},
        },
        "scsi_self_test_1": {"code": {"string": "Background short"}, "result": {"string": "Completed"}},
    }  # fmt: skip
    report = parse_report(json.dumps(data), 0)
    assert report.verdict is Verdict.WARNING
    assert (report.reallocated, report.uncorrectable) == (3, 0)
    assert [test.has_passed for test in report.self_tests] == [False, True]
    assert report.self_test_minutes == {"long": 2}


@pytest.mark.parametrize(("name", "status"), [("virtio", 1), ("scsi", 4), ("usb", 1)])
def test_a_disk_without_smart_is_a_state_of_its_own(name: str, status: int) -> None:
    report = parse_report((RECORDED / f"smart_{name}.json").read_text(), status)
    assert report.verdict is Verdict.UNSUPPORTED
    assert report.message
    assert not report.can_self_test


def test_a_disk_that_stands_still_was_not_asked() -> None:
    said = [{"string": "Device is in STANDBY mode, exit(2)", "severity": "information"}]
    text = json.dumps({"smartctl": {"messages": said, "exit_status": 2}, "power_mode": {"ata_value": 0}})
    assert parse_report(text, 2).verdict is Verdict.ASLEEP


def test_smart_that_is_off_is_not_well() -> None:
    text = json.dumps(ata(smart_support={"available": True, "enabled": False}))
    assert parse_report(text, 4).verdict is Verdict.UNSUPPORTED


@pytest.mark.parametrize("status", [1, 2, 3])
def test_a_disk_that_could_not_be_asked_is_not_known(status: int) -> None:
    said = [{"string": "Smartctl open device: /dev/sda failed: No such device", "severity": "error"}]
    report = parse_report(json.dumps({"smartctl": {"messages": said}}), status)
    assert report.verdict is Verdict.UNKNOWN
    assert "No such device" in report.message


def test_no_verdict_of_the_disk_is_not_a_good_one() -> None:
    data = ata()
    del data["smart_status"]
    assert parse_report(json.dumps(data), 0).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "x", "[" * 200_000, "9" * 5000, " " * (LONGEST_OUTPUT + 1), '{"smart_status": 1}'],
)
def test_an_answer_without_sense_is_not_known(text: str) -> None:
    assert parse_report(text, 0).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("value", [-1, 10**40, 1.5, "34", True, None, [], {}])
def test_a_figure_without_sense_is_not_known(value: object) -> None:
    data = ata(
        temperature={"current": value}, power_on_time={"hours": value},
        ata_smart_attributes={"table": [attribute(5, value), attribute(197, value)]},
    )  # fmt: skip
    report = parse_report(json.dumps(data), 0)
    assert (report.temperature_c, report.power_on_hours, report.reallocated, report.pending) == (None,) * 4
    assert report.verdict is Verdict.PASSED


def test_what_a_disk_says_cannot_speak_to_the_terminal_and_has_an_end() -> None:
    data = ata()
    entry = data["ata_smart_self_test_log"]["standard"]["table"][0]
    entry["type"]["string"] = "\x1b[2J" + "x" * 2000
    data["ata_smart_self_test_log"]["standard"]["table"] = [entry] * 500
    report = parse_report(json.dumps(data), 0)
    assert len(report.self_tests) == 21
    assert len(report.self_tests[0].kind) <= 200
    assert "\x1b" not in report.self_tests[0].kind


KEYS = st.sampled_from([
    "smartctl", "messages", "string", "smart_status", "passed", "table", "ata_smart_attributes", "raw", "id",
    "ata_smart_data", "self_test", "status", "nvme_self_test_log", "standard", "ata_smart_self_test_log",
    "critical_warning", "scsi_self_test_0", "result", "smart_support", "available", "code", "device", "value",
    HEALTH,
])  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)


@given(st.dictionaries(KEYS, ANYTHING), st.integers(-300, 300))
def test_nothing_a_disk_says_breaks_the_reader(data: dict[str, object], status: int) -> None:
    report = parse_report(json.dumps(data), status)
    assert report.verdict in Verdict
    if report.verdict is Verdict.PASSED:
        assert data["smart_status"]["passed"] is True  # type: ignore[index]
