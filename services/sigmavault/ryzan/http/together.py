"""Several prompts answered as one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from sigmavault.core.errors import ModelError
from sigmavault.core.wish import (
    Answer,
    AnswerEvent,
    AnswerStarted,
    CallDelta,
    ChoiceFinished,
    ContentDelta,
    Wish,
)


async def ask_together(ask: Callable[[Wish], Awaitable[Answer]], wishes: Sequence[Wish]) -> Answer:
    """The answer to all wishes, each with the same number of choices; the choices are numbered through.

    Raises:
        SigmaVaultError: one of them was turned away, and with it all.
    """
    answers: list[Answer] = []
    try:
        for wish in wishes:
            answers.append(await ask(wish))
    except BaseException:
        for answer in answers:
            answer.cancel()
        raise
    return answers[0] if len(answers) == 1 else _Together(answers, wishes[0].choices)


class _Together:
    """See `core.wish.Answer`."""

    def __init__(self, answers: Sequence[Answer], choices: int) -> None:
        self.route = answers[0].route
        self._answers = answers
        self._choices = choices
        self._ready: deque[AnswerEvent] = deque()
        self._waiting: dict[asyncio.Task[AnswerEvent | None], int] = {}
        self._has_started = False

    async def next(self) -> AnswerEvent | None:
        """Wait for what happens next in any of them; first, that all have started.

        Raises:
            SigmaVaultError: one failed, and with it all.
        """
        if not self._has_started:
            self._has_started = True
            return await self._start()
        while not self._ready and self._waiting:
            await self._gather()
        return self._ready.popleft() if self._ready else None

    async def _start(self) -> AnswerStarted:
        started = []
        for answer in self._answers:
            event = await answer.next()
            if not isinstance(event, AnswerStarted):
                raise ModelError("an answer came before it began")
            started.append(event)
        for at in range(len(self._answers)):
            self._listen(at)
        return AnswerStarted(
            prompt_tokens=sum(each.prompt_tokens for each in started),
            cached_tokens=sum(each.cached_tokens for each in started),
        )

    def _listen(self, at: int) -> None:
        self._waiting[asyncio.ensure_future(self._next(at))] = at

    async def _next(self, at: int) -> AnswerEvent | None:
        return await self._answers[at].next()

    async def _gather(self) -> None:
        done, _ = await asyncio.wait(self._waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            event = task.result()
            at = self._waiting.pop(task)
            if event is not None:
                self._listen(at)
                self._ready.append(self._shift(event, at))

    def _shift(self, event: AnswerEvent, at: int) -> AnswerEvent:
        if isinstance(event, ContentDelta | CallDelta | ChoiceFinished):
            return replace(event, index=at * self._choices + event.index)
        return event

    def cancel(self) -> None:
        """Nobody waits any more."""
        for task in self._waiting:
            if task.done() and not task.cancelled():
                task.exception()  # nobody asks for it any more
            task.cancel()
        for answer in self._answers:
            answer.cancel()
