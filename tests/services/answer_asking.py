"""Questions for the answer cache, answered by a script; the cache process and its storage are real."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sigmavault.core.answer_cache import Source
from sigmavault.core.chat import Finish, Message, Role
from sigmavault.core.manifest import SamplingDefaults
from sigmavault.core.wish import (
    Answer,
    AnswerCaching,
    AnswerEvent,
    AnswerStarted,
    Caller,
    ChoiceFinished,
    ContentDelta,
    Route,
    Wish,
)
from sigmavault.ryzan.answer_cache.cache import AnswerCache
from sigmavault.ryzan.answer_cache.keeper import Keeper, Limits

SOURCE = Source(model="m", file="f", engine="e", defaults=SamplingDefaults())
ROUTE = Route(model="m", reason="asked for by name")


def wish(text: str, space: str = "uid:1", facts: str = "", similarity: float | None = None) -> Wish:
    return Wish(
        prompt=(Message(role=Role.USER, content=text),),
        temperature=0.0,
        caller=Caller(space=space),
        caching=AnswerCaching(facts=facts, similarity=similarity),
    )


class _Scripted:
    route = ROUTE

    def __init__(self, text: str) -> None:
        self._events: list[AnswerEvent] = [
            AnswerStarted(prompt_tokens=10),
            ContentDelta(index=0, text=text),
            ChoiceFinished(index=0, finish=Finish.STOP, completion_tokens=5),
        ]

    async def next(self) -> AnswerEvent | None:
        return self._events.pop(0) if self._events else None

    def cancel(self) -> None:
        self._events.clear()


async def say(answer: Answer) -> str:
    """All text of an answer."""
    text = ""
    while (event := await answer.next()) is not None:
        if isinstance(event, ContentDelta):
            text += event.text
    return text


@dataclass
class Vectors:
    """Plays the embedding model: what was put down for a text."""

    maker: str = "ab" * 8
    known: dict[str, tuple[float, ...]] = field(default_factory=dict)

    async def __call__(self, text: str) -> tuple[str, tuple[float, ...]] | None:
        return (self.maker, self.known[text]) if text in self.known else None


class Asker:
    """An answer cache and somebody who asks."""

    def __init__(self, folder: Path, runtime: Path, vectors: Vectors | None = None, **limits: Any) -> None:
        self.keeper = Keeper(folder, runtime, Limits(**{"reserve": 0, "patience_s": 10.0, **limits}))
        self.cache = AnswerCache(self.keeper, vectors or Vectors())

    async def ask(self, wish: Wish, answer: str = "", source: Source = SOURCE) -> str | None:
        """The kept answer; None when there was none: then `answer` is what the model says, unless empty."""
        question = self.cache.question(wish, source)
        assert question is not None
        if found := await self.cache.lookup(question, ROUTE):
            return await say(found)
        if answer:
            assert await say(self.cache.record(question, _Scripted(answer))) == answer
        return None


type Scene = Callable[[Asker], Awaitable[None]]


def play(scene: Scene, folder: Path, runtime: Path, vectors: Vectors | None = None, **limits: Any) -> Asker:
    """Open a cache, run the scene, close it."""

    async def live() -> Asker:
        asker = Asker(folder, runtime, vectors, **limits)
        try:
            await asyncio.wait_for(scene(asker), 60)
        finally:
            await asker.cache.close()
        assert asker.keeper.pid is None
        return asker

    return asyncio.run(live())


async def settle(condition: Callable[[], object], timeout_s: float = 20) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


def disk_bytes(folder: Path) -> int:
    """What the files in a folder really take."""
    return sum(os.lstat(each).st_blocks * 512 for each in folder.rglob("*") if each.is_file())
