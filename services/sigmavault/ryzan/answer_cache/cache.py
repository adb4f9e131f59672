"""The answer cache as the service sees it: look a question up, listen to its answer, erase."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sigmavault.core.answer_cache import (
    Kept,
    Keys,
    Source,
    keys_of,
    least_similarity,
    may_be_kept,
    question_of,
    space_key,
)
from sigmavault.core.wish import Answer, Route, Wish
from sigmavault.ryzan.answer_cache.keeper import Keeper, Told
from sigmavault.ryzan.answer_cache.replay import CachedAnswer, Recorded

_log = logging.getLogger(__name__)

type Embed = Callable[[str], Awaitable[tuple[str, tuple[float, ...]] | None]]
"""Makes the vector of a text; also tells what made it, 16 hexadecimal digits. None: nobody can now."""


@dataclass(slots=True, kw_only=True)
class Stats:
    """What happened since the service started.

    Attributes:
        hits: questions answered out of the cache.
        near_hits: those of them that were answered with the answer to a similar question.
        misses: questions that might have been and were not.
        tokens_saved: of prompts and answers that need not be computed.
    """

    hits: int = 0
    near_hits: int = 0
    misses: int = 0
    tokens_saved: int = 0


@dataclass(slots=True, kw_only=True)
class Question:
    """A question whose answer may be kept.

    Attributes:
        keys: under which it is.
        source: who would answer.
        text: of the last message; empty unless another question's answer would do.
        least: how alike that question must be.
        vector: of the text, and what made it.
    """

    keys: Keys
    source: Source
    text: str = ""
    least: float = 1.0
    vector: tuple[str, tuple[float, ...]] | None = None


class AnswerCache:
    """Kept answers, each for whoever got it first. Never the reason why a request fails."""

    def __init__(self, keeper: Keeper | None, embed: Embed, off: str = "") -> None:
        """With nothing opened.

        Args:
            keeper: of the answers; None: nothing is kept.
            embed: makes vectors, for questions that are alike.
            off: why nothing is kept.
        """
        self._keeper = keeper
        self._embed = embed
        self._off = off
        self.stats = Stats()

    @property
    def bytes(self) -> int:
        """Disk space that is taken."""
        return self._keeper.bytes if self._keeper else 0

    @property
    def entries(self) -> int:
        """How many answers are kept."""
        return self._keeper.entries if self._keeper else 0

    @property
    def stored(self) -> int:
        """Answers that were kept, since the service started."""
        return self._keeper.stored if self._keeper else 0

    @property
    def evicted(self) -> int:
        """Answers that had to go because of their age or for others, since the service started."""
        return self._keeper.evicted if self._keeper else 0

    @property
    def pid(self) -> int | None:
        """The process that keeps them; None while there is none."""
        return self._keeper.pid if self._keeper else None

    @property
    def reason(self) -> str:
        """Why answers are not kept; empty: they are."""
        return self._keeper.reason if self._keeper else self._off

    def question(self, wish: Wish, source: Source) -> Question | None:
        """The question in a wish; None when its answer must not be given again."""
        if self._keeper is None or not may_be_kept(wish, source.defaults):
            return None
        question = Question(keys=keys_of(wish, source), source=source)
        least = least_similarity(wish)
        if least is not None:
            question.text, question.least = question_of(wish), least
        return question

    async def lookup(self, question: Question, route: Route) -> Answer | None:
        """The kept answer; None: there is none."""
        if self._keeper is None:
            return None
        told = await self._keeper.call(do="find", point=question.keys.point)
        found = self._read(told, question)
        if found is None and told is not None and question.text:
            told = await self._near(question)
            found = self._read(told, question)
        if found is None or told is None:
            self.stats.misses += told is not None
            return None
        self._count(found, near=told["found"]["key"] != question.keys.exact)
        return CachedAnswer(
            _routed(route, question, told), found.text,
            prompt_tokens=found.prompt_tokens, completion_tokens=found.completion_tokens,
        )  # fmt: skip

    def record(self, question: Question, answer: Answer) -> Answer:
        """The same answer; it is kept when it is complete."""

        def keep(text: str, prompt_tokens: int, completion_tokens: int) -> None:
            if not _is_utf8(text):
                return
            kept = Kept(
                text=text, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens,
                template=question.source.template,
            )  # fmt: skip
            self._store(question, kept)

        return Recorded(answer, keep)

    async def clear(self, space: str = "") -> int | None:
        """Erase the answers of one caller's space, or (without) all; how many, None when nobody knows."""
        if self._keeper is None:
            return None
        told = await self._keeper.erase(space_key(space) if space else "")
        return None if told is None else int(told["forgotten"])

    async def close(self) -> None:
        """Write to the disk what is kept, and end the process that keeps it."""
        if self._keeper:
            await self._keeper.close()

    def _read(self, told: Told | None, question: Question) -> Kept | None:
        if self._keeper is None or told is None or not told["found"]:
            return None
        found = Kept.from_payload(told["found"], question.keys)
        if found is None:
            _log.warning("a kept answer is damaged and is forgotten")
            self._keeper.tell(do="forget", point=told["point"])
            return None
        return found if found.is_of(question.source) else None

    async def _near(self, question: Question) -> Told | None:
        if self._keeper is None:
            return None
        question.vector = await self._embed(question.text)
        if question.vector is None:
            return {"found": None}
        maker, numbers = question.vector
        return await self._keeper.call(
            do="find", point=question.keys.point, near=question.keys.near, least=question.least,
            maker=maker, vector=numbers,
        )  # fmt: skip

    def _store(self, question: Question, kept: Kept) -> None:
        if self._keeper is None:
            return
        payload = {**kept.to_payload(question.keys), "space": question.keys.space}
        maker, numbers = question.vector or ("", ())
        self._keeper.tell(do="keep", point=question.keys.point, payload=payload, maker=maker, vector=numbers)

    def _count(self, found: Kept, *, near: bool) -> None:
        self.stats.hits += 1
        self.stats.near_hits += near
        self.stats.tokens_saved += found.tokens


def _is_utf8(text: str) -> bool:
    """Whether it can be stored: half a character of UTF-16 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _routed(route: Route, question: Question, told: Told) -> Route:
    same = told["found"]["key"] == question.keys.exact
    why = "same question" if same else f"similar question, {told['score']:.2f}"
    return dataclasses.replace(route, reason=f"{route.reason}; answer cache: {why}".removeprefix("; "))
