from __future__ import annotations

import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.errors import ConfigError
from sigmavault.core.governor.deciding import (
    LONGEST_QUIET_S,
    Control,
    Level,
    Reason,
    ScanPolicy,
    begin,
    decide,
    quota_percent,
    serving_causes,
)
from sigmavault.core.governor.watching import Pressure, Scan, Seen
from sigmavault.core.values import KIB

from tests.unit.governor.traces import BUDGET, CALM, CONTROL, busy, follow, on_off, quiet

SHIPPED = Path(__file__).parents[3] / "services/data/usr/lib/sigmavault/budget.toml"
CUT_S, BACK_S = 3, 30
TRICKLE = 100.0 * KIB


def test_the_shipped_file_has_every_key_of_the_control() -> None:
    assert Control.of([("shipped", tomllib.loads(SHIPPED.read_text()))]) == CONTROL


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("serving", "quiet_s", 25, r"serving.quiet_s = 25; allowed: a whole number from 6 to 24"),
        ("serving", "quiet_s", "12", r"serving.quiet_s = '12'"),
        ("pools", "while_scrubbing", "stop", r"allowed: `ignore`, `hold-back`, `pause`"),
        ("pools", "while_scrubbing", 1, r"pools.while_scrubbing = 1"),
        ("serving", "quiet", 12, r"unknown key serving.quiet"),
    ],
)
def test_a_wrong_setting_is_told_with_its_place(section: str, key: str, value: object, message: str) -> None:
    layers = [("a", tomllib.loads(SHIPPED.read_text())), ("/etc/b", {section: {key: value}})]
    with pytest.raises(ConfigError, match=f"^/etc/b: .*{message}"):
        Control.of(layers)


def test_a_load_is_answered_within_a_look_and_forgotten_within_half_a_minute() -> None:
    trace = [*(quiet(at) for at in range(5)), *(busy(at) for at in range(5, 60)),
             *(quiet(at) for at in range(60, 100))]  # fmt: skip
    cut, back = follow(trace)
    assert cut.level is Level.HELD
    assert cut.at - 5 <= CUT_S
    assert "SMB 80.0 MiB/s" in cut.state.cause
    assert cut.state.reason is Reason.SERVING
    assert back.level is Level.FULL
    assert back.at - 60 <= BACK_S
    assert (quota_percent(cut.level, BUDGET), quota_percent(back.level, BUDGET)) == (60, 160)


def test_a_load_of_five_seconds_on_and_off_changes_one_thing() -> None:
    assert [step.level for step in follow(on_off(5, 5))] == [Level.HELD]


@pytest.mark.parametrize("on_s", [1, 2, 5, 10, 20])
@pytest.mark.parametrize("off_s", [1, 3, 5, 8, 11, 12, 13, 14, 20, 23, 25, 30])
def test_no_rhythm_makes_more_than_a_change_each_ten_seconds(on_s: int, off_s: int) -> None:
    steps = follow(on_off(on_s, off_s))
    assert len(steps) <= 300 / 10
    for here in steps:
        assert sum(1 for other in steps if here.at <= other.at < here.at + 60) <= 6


def test_quiet_that_did_not_last_is_waited_for_longer_and_never_too_long() -> None:
    steps = follow(on_off(2, 14, seconds=200))
    assert [step.level for step in steps] == [Level.HELD, Level.FULL, Level.HELD]
    assert steps[-1].state.quiet_s == LONGEST_QUIET_S


def test_after_a_long_quiet_the_wait_is_short_again() -> None:
    rhythm = list(on_off(2, 14, seconds=100))
    later = [*(quiet(at) for at in range(120, 300)), busy(300), *(quiet(at) for at in range(301, 340))]
    *_, cut, back = follow([*rhythm, *later])
    assert cut.state.quiet_s == CONTROL.quiet_s
    assert back.at - 301 <= CONTROL.quiet_s + 1


def test_too_little_cpu_time_even_so_cuts_to_the_least() -> None:
    trace = [quiet(0), *(busy(at, idle=0.02) for at in range(1, 60))]
    cut, least = follow(trace)
    assert (cut.level, least.level) == (Level.HELD, Level.LEAST)
    assert least.at - cut.at >= 10
    assert least.state.reason is Reason.PRESSED
    assert "2 % of the CPU time free" in least.state.cause


def test_a_short_lack_of_cpu_time_is_no_reason() -> None:
    trace = [quiet(0), *(busy(at, idle=0.0 if at % 4 == 0 else 0.3) for at in range(1, 100))]
    assert [step.level for step in follow(trace)] == [Level.HELD]


def test_with_cpu_time_to_spare_the_model_gets_some_back_while_files_are_served() -> None:
    free = [0.0] * 39 + [0.2] * 40 + [0.5] * 40
    trace = [quiet(0), *(busy(at, idle=idle) for at, idle in enumerate(free, 1))]
    assert [step.level for step in follow(trace)] == [Level.HELD, Level.LEAST, Level.HELD]


def test_from_the_least_all_is_back_within_half_a_minute_too() -> None:
    trace = [quiet(0), *(busy(at, idle=0.0) for at in range(1, 40)), *(quiet(at) for at in range(40, 80))]
    steps = follow(trace)
    assert steps[-1].level is Level.FULL
    assert steps[-1].at - 40 <= BACK_S


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (quiet(0, smb_bytes_per_s=1024.0 * KIB), "SMB 1.00 MiB/s"),
        (quiet(0, nfs_bytes_per_s=1024.0 * KIB), "NFS 1.00 MiB/s"),
        (quiet(0, nfs_calls_per_s=100.0), "NFS 100 calls/s"),
        (quiet(0, smb_bytes_per_s=TRICKLE, smb_cpu=0.03), "Samba 3 % of a core"),
        (quiet(0, smb_bytes_per_s=None, smb_cpu=0.03), "Samba 3 % of a core"),
        (quiet(0, smb_bytes_per_s=TRICKLE, files=replace(CALM, io=0.1)), "Samba waits 10 % of the time (io)"),
        (
            quiet(0, nfs_bytes_per_s=TRICKLE, files=replace(CALM, cpu=0.5)),
            "Samba waits 50 % of the time (cpu)",
        ),
    ],
)
def test_each_threshold_alone_is_enough(seen: Seen, cause: str) -> None:
    assert list(serving_causes(seen, CONTROL, still=False)) == [cause]


def test_what_is_below_the_thresholds_is_no_load_but_goes_on_being_one() -> None:
    seen = quiet(0, smb_bytes_per_s=600.0 * KIB)
    assert not list(serving_causes(seen, CONTROL, still=False))
    assert list(serving_causes(seen, CONTROL, still=True))


@pytest.mark.parametrize(("moved", "cpu"), [(1000.0, 0.9), (None, None)])
def test_daemons_that_start_or_reload_without_any_client_are_no_load(
    moved: float | None, cpu: float | None
) -> None:
    stalled = Pressure(cpu=0.9, io=0.9, memory=0.9)
    seen = quiet(0, smb_bytes_per_s=moved, smb_cpu=cpu, files=stalled)
    assert not list(serving_causes(seen, CONTROL, still=True))


def test_nothing_known_is_no_load() -> None:
    assert not list(serving_causes(Seen(at=0), CONTROL, still=True))
    assert begin(Seen(at=0), CONTROL).level is Level.FULL


def test_the_pressure_of_the_model_and_of_the_machine_are_no_load() -> None:
    """Held back, the model itself waits most of the time: that must not hold it back for ever."""
    stalled = Pressure(cpu=0.9, io=0.9, memory=0.9)
    assert not list(serving_causes(quiet(0, machine=stalled, model=stalled), CONTROL, still=True))


@pytest.mark.parametrize(
    ("scan", "policy", "level"),
    [
        (Scan.RESILVER, ScanPolicy.HOLD_BACK, Level.HELD),
        (Scan.RESILVER, ScanPolicy.PAUSE, Level.LEAST),
        (Scan.RESILVER, ScanPolicy.IGNORE, Level.FULL),
        (Scan.SCRUB, ScanPolicy.PAUSE, Level.HELD),
    ],
)
def test_a_scan_of_a_pool_does_what_was_configured(scan: Scan, policy: ScanPolicy, level: Level) -> None:
    control = replace(CONTROL, while_resilvering=policy)
    state = begin(quiet(0, scan=scan), control)
    assert state.level is level
    assert state.reason == scan.value


def test_a_resilver_that_pauses_the_model_does_so_in_the_midst_of_serving() -> None:
    control = replace(CONTROL, while_resilvering=ScanPolicy.PAUSE)
    trace = [quiet(0), busy(1), *(busy(at, scan=Scan.RESILVER) for at in range(2, 30)),
             *(quiet(at) for at in range(30, 60))]  # fmt: skip
    steps = follow(trace, control)
    assert [(step.at, step.level) for step in steps] == [(1, Level.HELD), (2, Level.LEAST), (42, Level.FULL)]


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 100), st.sampled_from(Scan)), min_size=2, max_size=200)
)
def test_whatever_happens_a_load_holds_the_model_back_and_quiet_gives_it_back(
    course: list[tuple[bool, int, Scan]],
) -> None:
    state = begin(quiet(0), CONTROL)
    trace = [
        (busy if is_on else quiet)(at + 1, idle=idle / 100, scan=scan)
        for at, (is_on, idle, scan) in enumerate(course)
    ]
    changes = []
    for seen in trace:
        after = decide(state, seen, CONTROL)
        if seen.smb_bytes_per_s or seen.scan is not Scan.NONE:
            assert after.level is not Level.FULL
        if after.level is Level.FULL and state.level is not Level.FULL:
            before = [other for other in trace if seen.at - CONTROL.quiet_s < other.at <= seen.at]
            assert not any(other.smb_bytes_per_s or other.scan is not Scan.NONE for other in before)
        if after.level is not state.level:
            changes.append(seen.at)
        state = after
    assert all(there - here >= 1 for here, there in pairwise(changes))
    assert len(changes) <= 2 + len(trace) / 5
    for at in range(len(trace) + 1, len(trace) + 1 + BACK_S):
        state = decide(state, quiet(at), CONTROL)
    assert state.level is Level.FULL
