from __future__ import annotations

import pytest
from sigmavault.core.errors import ObjectBusyError
from sigmavault.core.locks import LockBook, overlap


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("pool:tank", "pool:tank", True),
        ("pool:tank", "pool:tank2", False),
        ("pool:tank", "dataset:tank/a", True),
        ("pool:tank", "dataset:tank2/a", False),
        ("dataset:tank/a", "dataset:tank/a/b", True),
        ("dataset:tank/a", "dataset:tank/ab", False),
        ("dataset:tank/a", "dataset:tank/b", False),
        ("dataset:tank/a@now", "dataset:tank/a", True),
        ("disk:tank", "pool:tank", False),
        ("disk:S1", "disk:S1", True),
        ("disk:S1", "disk:S12", False),
        ("shares", "shares", True),
        ("shares", "users", False),
        ("service:smbd", "service:smbd", True),
    ],
)
def test_what_overlaps(one: str, other: str, expected: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is expected


def test_the_second_is_told_what_holds_the_object_and_since_when() -> None:
    book = LockBook(lambda: 1_790_000_000.0)
    book.take(["disk:S1", "pool:tank"], "Create the pool tank (job 7)")
    with pytest.raises(ObjectBusyError) as caught:
        book.take(["dataset:tank/photos"], "Rename it")
    assert caught.value.message == (
        "dataset tank/photos is busy: Create the pool tank (job 7), since 2026-09-21T14:13:20+00:00"
    )


def test_none_is_taken_when_one_is_busy() -> None:
    book = LockBook(lambda: 0.0)
    book.take(["disk:S2"], "wipe")
    with pytest.raises(ObjectBusyError):
        book.take(["disk:S1", "disk:S2"], "create")
    book.take(["disk:S1"], "wipe")


def test_what_is_given_back_is_free_and_giving_back_twice_harms_nobody() -> None:
    book = LockBook(lambda: 0.0)
    give_back = book.take(["disk:S1"], "wipe")
    give_back()
    book.take(["disk:S1"], "wipe again")
    give_back()
    with pytest.raises(ObjectBusyError):
        book.take(["disk:S1"], "and again")
    with pytest.raises(ObjectBusyError), book.holding(["disk:S2"], "a"), book.holding(["disk:S2"], "b"):
        pass
    book.take(["disk:S2"], "free after the blocks")
