"""The measurement of what guessing brings, on a model whose steps take as long as it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest
from sigmavault.ryzan.worker import engine as engine_module
from sigmavault.ryzan.worker import gain
from sigmavault.ryzan.worker.engine import Engine
from sigmavault.ryzan.worker.gain import measure
from sigmavault.ryzan.worker.llama import Limits, Span

from tests.unit.ryzan.worker.counter import END, Counter, Told, engine
from tests.unit.ryzan.worker.test_engine import assert_empty
from tests.unit.ryzan.worker.test_speculate import Oracle

PROMPTS = [[1, 2, 3], [4, 5], [7]]
STEP_S = 0.001


class Timed(Counter):
    """Never ends by itself, and each step takes its time."""

    def __init__(self, row_s: float, pause: Callable[[int], float] = lambda _: 1.0) -> None:
        super().__init__(Limits(context=400, sequences=4, batch=32, kept=8), is_deep=True)
        self.row_s = row_s
        self.pause = pause
        self.now = 1000.0

    def next(self, tokens: list[int]) -> int:
        return super().next(tokens) % END

    def decode(self, spans: Sequence[Span], *, all_outputs: bool = False) -> bool:
        rows = sum(len(each.tokens) for each in spans)
        self.now += (STEP_S + self.row_s * rows) * self.pause(len(self.steps))
        return super().decode(spans, all_outputs=all_outputs)


type Clocked = Callable[[Timed], tuple[Engine, Told]]


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Clocked:
    """An engine whose clock is moved by its model's steps alone."""
    return lambda llama: _timed(llama, monkeypatch)


def _timed(llama: Timed, monkeypatch: pytest.MonkeyPatch) -> tuple[Engine, Told]:
    for module in (engine_module, gain):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: llama.now))
    one, _, told = engine(llama=llama)
    return one, told


def test_good_guesses_gain_where_rows_are_cheap(timed: Clocked) -> None:
    llama = Timed(row_s=0.0)
    one, told = timed(llama)
    verdict = measure(one, PROMPTS, {"good": Oracle(llama, 1000), "bad": Oracle(llama, 1)}, lambda: False)
    assert verdict is not None
    assert verdict.best == "good"
    assert verdict.gains["good"] > 2
    assert verdict.gains["bad"] < 1.1
    assert told == []
    assert one.guesses.tried == one.meter.tokens == 0
    assert_empty(one, llama)


def test_bad_guesses_lose_where_rows_cost(timed: Clocked) -> None:
    llama = Timed(row_s=STEP_S)
    one, _ = timed(llama)
    verdict = measure(one, PROMPTS[:2], {"bad": Oracle(llama, 2)}, lambda: False)
    assert verdict is not None
    assert verdict.gains["bad"] < 1
    assert verdict.spell().startswith("no gain: 0.")


def test_a_machine_that_gets_slower_all_the_time_gives_no_verdict(timed: Clocked) -> None:
    llama = Timed(row_s=0.0, pause=lambda step: 1 + step / 60)
    one, _ = timed(llama)
    assert measure(one, PROMPTS[:2], {"bad": Oracle(llama, 1)}, lambda: False) is None


def test_a_request_ends_the_measurement_within_a_step(timed: Clocked) -> None:
    llama = Timed(row_s=0.0)
    one, told = timed(llama)
    assert measure(one, PROMPTS, {"good": Oracle(llama, 1000)}, lambda: len(llama.steps) >= 30) is None
    assert len(llama.steps) == 30
    assert (told, one.busy) == ([], False)
    assert_empty(one, llama)


def test_a_model_too_slow_for_the_time_gives_no_verdict(timed: Clocked) -> None:
    llama = Timed(row_s=0.5)
    one, _ = timed(llama)
    began = llama.now
    assert measure(one, PROMPTS, {"bad": Oracle(llama, 1)}, lambda: False) is None
    assert llama.now - began < gain.LIMIT_S + 10 * llama.row_s
