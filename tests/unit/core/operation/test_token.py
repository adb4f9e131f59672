"""A token is good for one plan, one caller, one time, five minutes."""

from __future__ import annotations

import itertools

import pytest
from sigmavault.core.errors import TokenError
from sigmavault.core.operation.plan import Plan, Target, differences
from sigmavault.core.operation.token import LIFETIME_S, Caller, TokenBook

ANNA = Caller(name=":1.7", uid=1000)


def plan(**changes: object) -> Plan:
    disk = Target(kind="disk", name="ata-A", identity="SER1")
    base = {
        "operation": "pool.create",
        "arguments": {"name": "tank"},
        "summary": "",
        "steps": (),
        "targets": (disk,),
    }
    return Plan.model_validate(base | changes)


class Book:
    def __init__(self) -> None:
        self.time = 0.0
        numbers = itertools.count()
        self.book = TokenBook(lambda: f"t{next(numbers)}", lambda: self.time)


def test_a_token_gives_its_plan_once() -> None:
    book = Book().book
    token = book.issue(plan(), ANNA)
    assert book.redeem(token, ANNA) == plan()
    with pytest.raises(TokenError, match="used already"):
        book.redeem(token, ANNA)


@pytest.mark.parametrize(
    "thief", [Caller(name=":1.8", uid=1000), Caller(name=":1.7", uid=1001), Caller(name=":1.8", uid=0)]
)
def test_a_foreign_token_is_refused_and_lost(thief: Caller) -> None:
    book = Book().book
    token = book.issue(plan(), ANNA)
    with pytest.raises(TokenError, match="somebody else"):
        book.redeem(token, thief)
    with pytest.raises(TokenError):
        book.redeem(token, ANNA)


def test_an_old_token_is_refused() -> None:
    held = Book()
    token = held.book.issue(plan(), ANNA)
    held.time = LIFETIME_S
    with pytest.raises(TokenError, match="too old"):
        held.book.redeem(token, ANNA)


def test_who_left_the_bus_leaves_no_token() -> None:
    book = Book().book
    token = book.issue(plan(), ANNA)
    book.forget(ANNA.name)
    with pytest.raises(TokenError, match="not known"):
        book.redeem(token, ANNA)


def test_thousands_of_plans_do_not_fill_the_memory() -> None:
    book = Book().book
    tokens = [book.issue(plan(), ANNA) for _ in range(1000)]
    with pytest.raises(TokenError):
        book.redeem(tokens[0], ANNA)
    assert book.redeem(tokens[-1], ANNA) == plan()


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("arguments", {"name": "tonk"}), ("losses", ("all",)), ("dry_run", "x"), ("is_simulated", True),
        ("targets", (Target(kind="disk", name="ata-A", identity="SER2"),)), ("facts", {"used": 1}),
    ],
)  # fmt: skip
def test_the_digest_holds_all_that_matters(part: str, value: object) -> None:
    other = plan(**{part: value})
    assert other.digest() != plan().digest()
    assert differences(plan(), other) == (part,)


def test_notes_may_change() -> None:
    assert plan(notes=("12 GB used now",)).digest() == plan().digest()
