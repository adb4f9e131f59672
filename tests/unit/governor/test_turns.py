"""Turns for a model that gets no CPU time."""

from __future__ import annotations

import pytest
from sigmavault.core.governor.turns import PATIENCE, Turns
from sigmavault.core.governor.watching import Pressure, Seen

from tests.unit.governor.traces import CALM

QUOTA = 20
STUCK = Pressure(cpu=0.56, io=0.0, memory=0.0)
"""The least that was seen of a model beside loops that never end."""


def turns(looks: list[Seen]) -> list[bool]:
    state, found = Turns(), []
    for seen in looks:
        state = state.after(seen, QUOTA)
        found.append(state.is_turn)
    return found


def look(model: Pressure | None = STUCK, cpu: float | None = 0.001) -> Seen:
    return Seen(at=0, model=model, model_cpu=cpu)


def test_a_model_that_gets_nothing_has_one_look_of_six() -> None:
    wait = [False] * (PATIENCE - 1)
    assert turns([look()] * 12) == [*wait, True, False, *wait, True, False]


def test_a_turn_costs_less_than_what_file_serving_may_lose() -> None:
    """The bar is 5 % of the throughput; the least quota is 10 % of the machine."""
    assert 0.10 / (PATIENCE + 1) < 0.02


@pytest.mark.parametrize(
    "seen",
    [look(cpu=0.05), look(model=CALM), look(model=None), look(cpu=None), look(model=CALM, cpu=0.0)],
    ids=[
        "it computes",
        "it waits for nothing",
        "no pressure is counted",
        "no CPU time is",
        "it is asked nothing",
    ],
)
def test_nobody_else_gets_one(seen: Seen) -> None:
    assert not any(turns([seen] * 20))


def test_a_little_time_in_between_begins_the_wait_anew() -> None:
    looks = [look()] * (PATIENCE - 1) + [look(cpu=0.1)] + [look()] * (PATIENCE - 1)
    assert not any(turns(looks))
