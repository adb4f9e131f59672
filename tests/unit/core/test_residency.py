from __future__ import annotations

import pytest
from sigmavault.core.residency import (
    Admit,
    Budget,
    Decision,
    Evict,
    Memory,
    Refuse,
    Resident,
    Wait,
    Weight,
    choose_size,
    decide,
    need_bytes,
    room,
)
from sigmavault.core.values import GIB, MIB

ALL = Budget(available_percent=100)
SMOLLM2 = Weight(file=98_362_432, context=8192, kv_per_token=23_040)


def model(name: str, need: int, used: float = 0, *, busy: bool = False, pinned: bool = False) -> Resident:
    return Resident(id=name, need=need, held=need, used=used, busy=busy, pinned=pinned)


def test_room_is_nine_tenths_of_what_is_available_and_what_the_arc_can_give() -> None:
    memory = Memory(available=10 * GIB, arc=4 * GIB, arc_least=1 * GIB)
    assert room(memory, Budget(), []) == 9 * GIB + 3 * GIB
    assert room(memory, Budget(reserve=GIB), []) == 11 * GIB


def test_an_arc_below_its_minimum_takes_nothing_away() -> None:
    assert room(Memory(available=GIB, arc=0, arc_least=GIB), ALL, []) == GIB


def test_the_limit_of_the_control_group_holds() -> None:
    assert room(Memory(available=10 * GIB, group_left=2 * GIB), ALL, []) == 2 * GIB


def test_pages_of_mapped_model_files_are_not_free() -> None:
    """MemAvailable counts them, but a model that computes needs them."""
    mapped = Resident(id="a", need=5 * GIB, held=1 * GIB, used=0, busy=False, pinned=False)
    assert room(Memory(available=8 * GIB), ALL, [mapped]) == 4 * GIB


def test_a_model_on_its_way_has_its_memory_set_aside() -> None:
    loading = Resident(id="a", need=5 * GIB, held=0, used=0, busy=True, pinned=False)
    assert room(Memory(available=8 * GIB), ALL, [loading]) == 3 * GIB


def test_the_configured_budget_counts_all_models() -> None:
    assert room(Memory(available=64 * GIB), Budget(most=8 * GIB), [model("a", 5 * GIB)]) == 3 * GIB


RESIDENTS = [model("old", 2 * GIB, 1), model("new", 3 * GIB, 3), model("mid", 1 * GIB, 2)]


@pytest.mark.parametrize(
    ("need", "residents", "decision"),
    [
        (4 * GIB, RESIDENTS, Admit()),
        (5 * GIB, RESIDENTS, Evict(ids=("old",))),
        (6 * GIB + 1, RESIDENTS, Evict(ids=("old", "mid"))),
        (10 * GIB, RESIDENTS, Evict(ids=("old", "mid", "new"))),
        # a large one that has to go anyway spares the small one
        (7 * GIB, [model("small", 1 * GIB, 1), model("large", 4 * GIB, 2)], Evict(ids=("large",))),
        (5 * GIB, [model("busy", 2 * GIB, 1, busy=True), model("idle", 2 * GIB, 2)], Evict(ids=("idle",))),
        (
            5 * GIB,
            [model("busy", 2 * GIB, busy=True)],
            Wait(reason="needs 5,120 MiB, which models that are answering hold"),
        ),
        (
            7 * GIB,
            [model("busy", 2 * GIB, busy=True)],
            Refuse(reason="needs 7,168 MiB, 6,144 MiB can be made free for models"),
        ),
        (
            5 * GIB,
            [model("kept", 9 * GIB, pinned=True)],
            Refuse(reason="needs 5,120 MiB, 4,096 MiB can be made free for models"),
        ),
    ],
)
def test_decision(need: int, residents: list[Resident], decision: Decision) -> None:
    assert decide(need, Memory(available=4 * GIB), ALL, residents) == decision


def test_smollm2_gets_its_whole_context_where_there_is_memory() -> None:
    size = choose_size(SMOLLM2, context=8192, reuse=256 * MIB, free=8 * GIB)
    assert (size.context, size.reuse) == (8192, 256 * MIB)
    assert size.need == need_bytes(SMOLLM2, context=8192, reuse=256 * MIB)
    assert 400 * MIB < size.need < 700 * MIB


def test_a_short_context_is_not_made_longer() -> None:
    weight = Weight(file=GIB, context=512, kv_per_token=1000)
    assert choose_size(weight, context=8192, reuse=0, free=8 * GIB).context == 512


def test_states_give_way_before_the_context_and_the_context_before_the_model() -> None:
    whole = need_bytes(SMOLLM2, context=8192, reuse=0)
    assert choose_size(SMOLLM2, context=8192, reuse=256 * MIB, free=whole + MIB).reuse == MIB
    half = choose_size(SMOLLM2, context=8192, reuse=256 * MIB, free=whole - 1)
    assert half.context == 4096
    assert half.need <= whole - 1
    least = choose_size(SMOLLM2, context=8192, reuse=256 * MIB, free=0)
    assert (least.context, least.reuse) == (2048, 0)


def test_what_was_measured_counts_more_than_what_is_computed() -> None:
    weight = Weight(file=4 * GIB, context=32768, kv_per_token=MIB // 16, measured=3 * GIB)
    assert need_bytes(weight, context=8192, reuse=0) == 3 * GIB + 4096 * MIB // 16


def test_a_model_that_does_not_tell_its_cache_is_taken_for_a_large_one() -> None:
    unknown = Weight(file=4 * GIB, context=8192)
    assert need_bytes(unknown, context=8192, reuse=0) > 4.5 * GIB
