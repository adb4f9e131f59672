from __future__ import annotations

import pytest
from sigmavault.core.downloads.pace import (
    STALLED_S,
    Limit,
    Speed,
    Stall,
    rest_s,
    seconds_left,
)


def test_a_limit_holds_over_time() -> None:
    limit, now, done = Limit(1_000_000, 0.0), 0.0, 0
    while now < 20:
        done += 64_000
        now += limit.wait_s(64_000, now) + 0.001
    assert done == pytest.approx(20_000_000, rel=0.02)


def test_a_pause_is_not_made_up_for() -> None:
    limit = Limit(1000, 0.0)
    limit.wait_s(1000, 0.0)
    assert limit.wait_s(1000, 3600.0) >= 0.75


def test_without_a_limit_nobody_waits() -> None:
    assert Limit(0, 0.0).wait_s(10**12, 0.0) == 0


def test_the_speed_follows_what_comes() -> None:
    speed = Speed(0.0)
    for at in range(1, 101):
        speed.add(1_000_000, at / 10)
    assert speed.bytes_s(10.0) == pytest.approx(10_000_000, rel=0.05)
    for at in range(101, 301):
        speed.add(100_000, at / 10)
    assert speed.bytes_s(30.0) == pytest.approx(1_000_000, rel=0.2)
    assert speed.bytes_s(60.0) < 10_000


def test_the_time_left_is_told_only_when_something_comes() -> None:
    assert seconds_left(1000, 100.0) == 10
    assert seconds_left(1000, 0.0) is None


def test_rests_grow_and_a_server_may_ask_for_more() -> None:
    rests = [rest_s(attempt) for attempt in range(1, 12)]
    assert rests == sorted(rests)
    assert rests[-1] == 60
    assert rest_s(1, 40) == 40


def test_a_transfer_that_drips_has_stalled() -> None:
    stall = Stall(0.0)
    assert not any(stall.look(second, float(second)) for second in range(int(STALLED_S) + 1))
    assert stall.look(int(STALLED_S) + 1, STALLED_S + 1)


def test_a_slow_transfer_has_not_stalled() -> None:
    stall = Stall(0.0)
    assert not any(stall.look(1000 * second, float(second)) for second in range(1000))
