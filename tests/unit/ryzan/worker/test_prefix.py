from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.chat import Reuse
from sigmavault.ryzan.worker.prefix import Held, Prefixes, common

lists = st.lists(st.integers(0, 2), max_size=12)


@given(lists, lists)
def test_common_beginning(one: list[int], other: list[int]) -> None:
    count = common(one, other)
    assert one[:count] == other[:count]
    assert count == min(len(one), len(other)) or one[count] != other[count]


tokens_of_one = st.lists(st.integers(0, 1), min_size=1, max_size=9)
deeds = st.lists(
    st.tuples(st.sampled_from(["open", "close", "park"]), st.integers(0, 99), tokens_of_one), max_size=25
)


@given(deeds)
def test_cells_are_counted_once_however_sequences_begin_with_each_other(
    done: list[tuple[str, int, list[int]]],
) -> None:
    prefixes = Prefixes(6)
    cells: dict[int, list[object]] = {}

    def used(held: list[Held]) -> int:
        return len({id(cell) for each in held for cell in cells[each.slot]})

    for deed, pick, tokens in done:
        held = prefixes.held
        if deed == "open" and prefixes.has_slot:
            source, count = prefixes.find(tokens, Reuse())
            made = prefixes.open(tokens, Reuse(), len(tokens))
            cells[made.slot] = []
            if source is not None:
                assert source.tokens[:count] == tokens[:count]
                prefixes.lean(made, source, count)
                cells[made.slot] = cells[source.slot][:count]
            cells[made.slot] += [object() for _ in tokens[count:]]
            made.length = len(tokens)
        elif held and deed == "close":
            chosen = held[pick % len(held)]
            prefixes.close(chosen)
            del cells[chosen.slot]
        elif held and deed == "park":
            held[pick % len(held)].is_active = False
        assert prefixes.cells() == used(prefixes.held)
        assert prefixes.claimed() == used([each for each in prefixes.held if each.is_active])


def test_a_prompt_is_never_found_whole() -> None:
    prefixes = Prefixes(2)
    held = prefixes.open([1, 2, 3], Reuse(), 3)
    held.length = 3
    assert prefixes.find([1, 2, 3], Reuse()) == (held, 2)
    assert prefixes.find([1, 2, 3, 4], Reuse()) == (held, 3)
    assert prefixes.find([1], Reuse()) == (None, 0)


def test_what_is_not_computed_yet_is_not_found() -> None:
    prefixes = Prefixes(2)
    held = prefixes.open([1, 2, 3, 4], Reuse(), 4)
    held.length = 2
    assert prefixes.find([1, 2, 3, 4], Reuse()) == (held, 2)
    assert Prefixes(2, is_whole=True).usable([1, 2, 3], 3, [1, 2, 4, 4]) == 0
