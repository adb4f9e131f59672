"""Guesses at how an answer goes on, and which of them hold. Pure.

A guess costs a row in the next step and is kept only where it is what the model itself would have chosen:
guessing changes how many steps an answer takes, never the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sigmavault.core.chat import GenerateRequest

MOST = 8
"""Guesses of one step."""

LEAST = 2
"""Guesses after one step in which none held."""

_LONGEST, _SHORTEST = 3, 2
"""Tokens of the ending that is looked up. One alone says too little: a tenth of its guesses held."""


class Proposer(Protocol):
    """Where guesses come from."""

    def propose(self, tokens: list[int], count: int) -> list[int]:
        """At most `count` tokens that may follow; none where nothing suggests itself.

        Args:
            tokens: prompt and answer so far, the same list as long as it is the same sequence; it only grows.
            count: at least 1.
        """


def is_guessable(request: GenerateRequest) -> bool:
    """Whether the answer is nothing but the likeliest tokens: only then a guess can be held against them."""
    sampling = request.sampling
    is_plain = (
        sampling.frequency_penalty == 0
        and sampling.presence_penalty == 0
        and sampling.repeat_penalty == 1
        and not sampling.logit_bias
    )
    return sampling.temperature == 0 and is_plain and request.grammar is None and request.top_logprobs is None


def accept(
    guesses: Sequence[int], choose: Callable[[int], int], is_end: Callable[[int], bool]
) -> list[int]:  # fmt: skip
    """The tokens that a step with guesses brings: those that hold, and the one after them.

    Args:
        guesses: computed in one step behind the last token of the answer.
        choose: the model's own choice behind that token (0) or behind a guess (1 and so on).
        is_end: whether a token ends the answer; nothing comes after it.
    """
    taken: list[int] = []
    for row, guess in enumerate((*guesses, None)):
        token = choose(row)
        taken.append(token)
        if token != guess or is_end(token):
            break
    return taken


@dataclass(slots=True)
class Guesses:
    """How many there were since the start, and how many held."""

    tried: int = 0
    held: int = 0

    def add(self, tried: int, held: int) -> None:
        """Count one step."""
        self.tried += tried
        self.held += held


class Reach:
    """How many guesses are worth a try, by how many held in the step before."""

    def __init__(self) -> None:
        self.count = MOST // 2

    def learn(self, tried: int, held: int) -> None:
        """So many of those tried held."""
        self.count = min(MOST, max(LEAST, self.count, 2 * held) if held == tried else max(LEAST, held + 1))


class Lookup:
    """Guesses that the text repeats itself: what followed the same few tokens the last time they were there.

    Every token is looked at once, however long the text gets.
    """

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._places: dict[tuple[int, ...], int] = {}
        self._known = 1

    def propose(self, tokens: list[int], count: int) -> list[int]:
        """What followed the longest ending that was there before; repeated, where it runs into itself."""
        self._read(tokens)
        for length in range(min(_LONGEST, len(tokens)), _SHORTEST - 1, -1):
            start = self._places.get(tuple(tokens[-length:]))
            if start is not None:
                period = len(tokens) - start
                return [tokens[start + at % period] for at in range(count)]
        return []

    def _read(self, tokens: list[int]) -> None:
        if tokens is not self._tokens:
            self._tokens, self._places, self._known = tokens, {}, 1
        places = self._places
        for end in range(self._known, len(tokens)):  # not the ending itself: nothing follows it yet
            for length in range(_SHORTEST, min(_LONGEST, end) + 1):
                places[tuple(tokens[end - length : end])] = end
        self._known = max(1, len(tokens))
