from __future__ import annotations

from sigmavault.ryzan.remote.breaker import Breaker, Verdict


def test_a_failing_server_is_left_alone_and_then_tried_by_one() -> None:
    now = [0.0]
    breaker = Breaker(30, clock=lambda: now[0])
    assert breaker.admits()
    breaker.report(Verdict.FAILED)
    now[0] = 29
    assert (breaker.admits(), breaker.is_closed) == (False, False)
    now[0] = 31
    assert breaker.admits()
    assert not breaker.admits(), "one probe is enough"
    breaker.report(Verdict.FAILED)
    assert not breaker.admits()
    now[0] = 62
    assert breaker.admits()
    breaker.report(Verdict.WORKED)
    assert (breaker.admits(), breaker.is_closed) == (True, True)


def test_a_probe_that_is_given_up_leaves_the_next_one_free() -> None:
    now = [0.0]
    breaker = Breaker(1, clock=lambda: now[0])
    breaker.report(Verdict.FAILED)
    now[0] = 2
    assert breaker.admits()
    breaker.report(Verdict.UNKNOWN)
    assert breaker.admits()
