from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.ryzan.worker.text import AnswerText


def shown(pieces: list[bytes], stops: tuple[str, ...]) -> tuple[list[str], bool]:
    answer = AnswerText(stops)
    given_out = []
    for piece in pieces:
        given_out.append(answer.feed(piece))
        if answer.stopped:
            return given_out, True
    given_out.append(answer.end())
    return given_out, answer.stopped


alphabet = st.text("abcé€", max_size=30)


@given(alphabet, st.lists(st.text("abcé€", min_size=1, max_size=4), max_size=3), st.integers(1, 5))
def test_nothing_at_or_after_the_first_stop_text(text: str, stops: list[str], size: int) -> None:
    data = text.encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    given_out, stopped = shown(pieces, tuple(stops))
    joined = "".join(given_out)
    assert text.startswith(joined)
    assert not any(stop in joined for stop in stops)
    assert stopped == any(stop in text for stop in stops)
    if not stopped:
        assert joined == text


def test_text_is_not_held_back_longer_than_needed() -> None:
    answer = AnswerText(("STOP",))
    assert answer.feed(b"go ") == "go "
    assert answer.feed(b"ST") == ""
    assert answer.feed(b"AY") == "STAY"


def test_characters_come_whole() -> None:
    answer = AnswerText(())
    assert [answer.feed(bytes([byte])) for byte in "€".encode()] == ["", "", "€"]
    assert answer.feed("é".encode()[:1]) == ""
    assert answer.end() == ""  # half a character is dropped


@pytest.mark.parametrize("stops", [("ab", "b"), ("b", "ab")])
def test_the_earliest_of_several_stop_texts_counts(stops: tuple[str, ...]) -> None:
    assert shown([b"xab"], stops) == (["x"], True)
