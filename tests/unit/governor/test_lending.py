from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.governor.lending import Loans, arc_limit
from sigmavault.core.values import MIB

from tests.unit.governor.traces import BUDGET

ROOM = BUDGET.arc_max_bytes - BUDGET.arc_keep_bytes


def test_a_loan_lowers_the_limit_and_giving_it_back_restores_it() -> None:
    lent = Loans().lend(":1.7", "qwen", 100 * MIB, BUDGET)
    assert arc_limit(BUDGET, lent) == BUDGET.arc_max_bytes - 100 * MIB
    assert arc_limit(BUDGET, lent.lend(":1.7", "qwen", 0, BUDGET)) == BUDGET.arc_max_bytes


def test_a_second_loan_for_the_same_takes_the_place_of_the_first() -> None:
    lent = Loans().lend(":1.7", "qwen", 100 * MIB, BUDGET).lend(":1.7", "qwen", 50 * MIB, BUDGET)
    assert lent.total == 50 * MIB


def test_who_leaves_gives_back_and_others_keep_theirs() -> None:
    lent = Loans().lend(":1.7", "qwen", MIB, BUDGET).lend(":1.8", "qwen", 2 * MIB, BUDGET)
    assert lent.without(":1.7").total == 2 * MIB


def test_whoever_begins_anew_begins_with_the_budget() -> None:
    assert arc_limit(BUDGET, Loans()) == BUDGET.arc_max_bytes


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(-5, 2**62)), max_size=20)
)
def test_the_cache_always_keeps_its_part(asked: list[tuple[str, str, int]]) -> None:
    loans = Loans()
    for borrower, purpose, wanted in asked:
        loans = loans.lend(borrower, purpose, wanted, BUDGET)
        assert 0 <= loans.total <= ROOM
        assert arc_limit(BUDGET, loans) >= BUDGET.arc_keep_bytes
