from __future__ import annotations

import pytest
from sigmavault.core.errors import TooManyCallsError
from sigmavault.hostd.fairness import AT_ONCE, BURST, PER_SECOND, Fairness


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def spend(fairness: Fairness, uid: int, count: int) -> None:
    for _ in range(count):
        with fairness.call(uid):
            pass


def test_a_burst_is_let_in_and_then_a_steady_flow() -> None:
    clock = Clock()
    fairness = Fairness(clock)
    spend(fairness, 1000, BURST)
    with pytest.raises(TooManyCallsError):
        spend(fairness, 1000, 1)
    spend(fairness, 1001, BURST)  # others have their own part
    clock.now += 2
    spend(fairness, 1000, round(2 * PER_SECOND))
    with pytest.raises(TooManyCallsError):
        spend(fairness, 1000, 1)
    clock.now += 10_000
    spend(fairness, 1000, BURST)
    with pytest.raises(TooManyCallsError):
        spend(fairness, 1000, 1)


def test_root_is_not_limited() -> None:
    spend(Fairness(Clock()), 0, 3 * BURST)


def test_only_so_many_at_once() -> None:
    fairness = Fairness(Clock())
    calls = [fairness.call(1000) for _ in range(AT_ONCE)]
    for each in calls:
        each.__enter__()
    with pytest.raises(TooManyCallsError, match="8 calls"), fairness.call(1000):
        pass
    calls[0].__exit__(None, None, None)
    spend(fairness, 1000, 3)


def test_a_refusal_is_news_once_a_minute() -> None:
    clock = Clock()
    fairness = Fairness(clock)
    assert [fairness.is_news(1), fairness.is_news(1), fairness.is_news(2)] == [True, False, True]
    clock.now += 60
    assert fairness.is_news(1)
