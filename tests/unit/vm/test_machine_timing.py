"""Waiting and time limits."""

from collections.abc import Callable

import pytest

from tests.vm.machine.accel import Accel
from tests.vm.machine.errors import GuestError
from tests.vm.machine.timing import TimeScale, retry


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def run(attempt, clock, *, timeout_s: float = 5) -> float:
    return retry(attempt, timeout_s=timeout_s, what="the thing", clock=clock, sleep=clock.sleep)


def note(seen: list[bool]) -> Callable[[bool], bool]:
    def attempt(last: bool) -> bool:
        seen.append(last)
        return False

    return attempt


def test_returns_the_time_that_passed():
    clock, answers = Clock(), iter([False, False, True])
    assert run(lambda _last: next(answers), clock) == 2.0


def test_only_the_last_try_is_told_that_it_is_the_last():
    seen: list[bool] = []
    with pytest.raises(GuestError, match="the thing: not within 5 s"):
        run(note(seen), Clock())
    assert seen == [False] * 5 + [True]


def test_the_last_try_may_succeed():
    assert run(lambda last: last, Clock()) == 5.0


def test_the_last_try_may_explain_itself():
    def attempt(last: bool) -> bool:
        if last:
            raise GuestError("the disk is still there")
        return False

    with pytest.raises(GuestError, match="still there"):
        run(attempt, Clock())


def test_no_time_at_all_is_one_try():
    seen: list[bool] = []
    with pytest.raises(GuestError):
        run(note(seen), Clock(), timeout_s=0)
    assert seen == [True]


def test_limits_are_stretched_without_hardware_virtualisation():
    assert TimeScale.of(Accel.KVM).limit(10) == 10
    assert TimeScale.of(Accel.TCG).limit(10) > 30


def test_a_slow_host_stretches_and_a_fast_one_does_not_shrink():
    usual = TimeScale.of(Accel.TCG).limit(10)
    assert TimeScale.of(Accel.TCG, slower=2).limit(10) == 2 * usual
    assert TimeScale.of(Accel.TCG, slower=0.5).limit(10) == usual
