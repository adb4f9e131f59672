"""The scheduler of the engine, on a model that is computed by hand: it repeats the prompt's last token
plus one, and ends at 9. The real model is in tests/services."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.chat import Finish, Finished, GenerateRequest, Piece, Reuse, Sampling, Started, Tokens
from sigmavault.core.errors import ContextTooLongError, InvalidRequestError, WorkerLostError
from sigmavault.ryzan.worker.engine import Engine
from sigmavault.ryzan.worker.llama import Limits, Span
from sigmavault.ryzan.worker.pace import Meter, Pace, share

from tests.unit.ryzan.worker.counter import END, Counter, Told, engine

ANEW = Reuse(enabled=False)
SAMPLING = Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=0)


def request(
    max_tokens: int | None = None, stop: tuple[str, ...] = (), reuse: Reuse = ANEW
) -> GenerateRequest:
    return GenerateRequest(
        prompt=Tokens(tokens=()), sampling=SAMPLING, max_tokens=max_tokens, stop=stop, reuse=reuse
    )


def run(one: Engine) -> int:
    steps = 0
    while one.busy:
        one.step()
        steps += 1
        assert steps < 10_000
    return steps


def assert_empty(one: Engine, llama: Counter) -> None:
    """Nothing is left once what is parked is given up."""
    one.context.clear()
    assert (llama.cells, llama.samplers) == ({}, 0)


def rows(step: list[Span]) -> int:
    return sum(len(each.tokens) for each in step)


def text(told: Told, number: int) -> str:
    return "".join(event.text for of, event in told if of == number and isinstance(event, Piece))


def end(told: Told, number: int) -> Finished:
    (finished,) = (event for of, event in told if of == number and isinstance(event, Finished))
    return finished


def test_one_request() -> None:
    one, llama, told = engine()
    one.ask(1, [5], request())
    run(one)
    assert told[0] == (1, Started(prompt_tokens=1))
    assert text(told, 1) == "678"
    assert end(told, 1) == Finished(finish=Finish.STOP, completion_tokens=4)
    assert_empty(one, llama)


def test_limit_and_stop_text() -> None:
    one, llama, told = engine()
    one.ask(1, [1], request(max_tokens=3))
    one.ask(2, [1], request(stop=("56",)))
    run(one)
    assert (text(told, 1), end(told, 1).finish) == ("234", Finish.LENGTH)
    assert (text(told, 2), end(told, 2).finish) == ("234", Finish.STOP)
    assert_empty(one, llama)


def test_answers_share_steps() -> None:
    one, llama, _ = engine()
    for number in range(4):
        one.ask(number, [1], request())
    assert run(one) == 8
    assert [rows(step) for step in llama.steps] == [4] * 8


def test_running_answer_gets_its_token_in_every_step_beside_a_long_prompt() -> None:
    one, _, told = engine()
    one.ask(1, [1], request())
    one.step()
    one.ask(2, [0] * 60, request(max_tokens=1))
    before = len(text(told, 1))
    for _ in range(5):
        one.step()
    assert len(text(told, 1)) == before + 5
    assert text(told, 2) == ""


def test_short_prompt_does_not_wait_for_a_long_one() -> None:
    one, llama, told = engine()
    one.ask(1, [0] * 60, request(max_tokens=1))
    one.ask(2, [1, 1, 1], request(max_tokens=1))
    one.step()
    assert text(told, 2) == "2"
    assert rows(llama.steps[0]) == 8  # and the batch was full all the same


def test_cancelled_requests_are_gone_at_once() -> None:
    one, llama, told = engine(sequences=1)
    one.ask(1, [1], request())
    one.ask(2, [1], request())
    one.step()
    one.cancel(1)
    one.cancel(2)
    one.cancel(3)
    assert not one.busy
    assert_empty(one, llama)
    assert not any(isinstance(event, Finished) for _, event in told)


def test_what_does_not_fit_is_refused() -> None:
    one, llama, _ = engine(context=20)
    with pytest.raises(ContextTooLongError, match="20 tokens, the messages are 20"):
        one.ask(1, [1] * 20, request())
    with pytest.raises(InvalidRequestError, match="empty"):
        one.ask(2, [], request())
    assert (one.busy, llama.samplers) == (False, 0)


def test_answer_ends_where_the_context_ends() -> None:
    one, _, told = engine(context=20)
    one.ask(1, [0] * 17, request())
    run(one)
    assert (text(told, 1), end(told, 1)) == ("123", Finished(finish=Finish.LENGTH, completion_tokens=3))


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 8)), min_size=1, max_size=12),
    st.integers(70, 200),
)
def test_full_context_delays_answers_and_changes_none(asked: list[tuple[int, int]], context: int) -> None:
    one, llama, told = engine(context=context, sequences=6)
    for number, (length, last) in enumerate(asked):
        one.ask(number, [0] * (length - 1) + [last], request())
    run(one)
    for number, (_, last) in enumerate(asked):
        assert text(told, number) == "".join(map(str, range(last + 1, END)))
    assert_empty(one, llama)


def test_context_that_holds_nothing_is_a_failure_not_a_loop() -> None:
    one, llama, _ = engine()
    one.ask(1, [1], request())
    llama.limits = Limits(context=0, sequences=4, batch=8)
    with pytest.raises(WorkerLostError):
        one.step()


@given(st.integers(0, 100), st.lists(st.integers(1, 50), max_size=8))
def test_share_is_fair_and_leaves_nothing(budget: int, wanted: list[int]) -> None:
    given_out = share(budget, wanted)
    assert all(0 <= got <= want for got, want in zip(given_out, wanted, strict=True))
    assert sum(given_out) == min(budget, sum(wanted))
    unsatisfied = [got for got, want in zip(given_out, wanted, strict=True) if got < want]
    assert max(given_out, default=0) - min(unsatisfied, default=100) <= 1


def test_meter_forgets_what_is_long_ago() -> None:
    meter = Meter(window_s=2)
    assert meter.rate == 0
    meter.add(10, 1)
    for _ in range(4):
        meter.add(1, 10)
    assert meter.rate == pytest.approx(10)


def test_pace_keeps_steps_short_beside_answers_and_bounded_alone() -> None:
    pace = Pace(512)
    assert pace.tokens(beside=0) == 64  # nothing is known yet
    for _ in range(20):
        pace.add(0.5, 200)  # 400 tokens per second
    assert pace.tokens(beside=0) == 400
    assert pace.tokens(beside=3) == 60
    for _ in range(40):
        pace.add(10, 100)  # the quota was cut
    assert pace.tokens(beside=0) == Pace.LEAST
    assert pace.tokens(beside=8) == Pace.LEAST + 8
    pace.add(1e-9, 1)  # a step of one answer says nothing about reading
    assert pace.tokens(beside=0) == Pace.LEAST
