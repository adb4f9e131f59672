"""From what a model process says to the answer that callers get."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from sigmavault.core.chat import Event, Finished, Started
from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.wish import AnswerEvent, AnswerStarted, Route
from sigmavault.ryzan.local.choice import CallingChoice, TextChoice
from sigmavault.ryzan.local.request import Calling
from sigmavault.ryzan.supervisor import Ticket

type _Choice = TextChoice | CallingChoice
type _Merged = asyncio.Queue[tuple[int, Event | Exception]]


class LocalAnswer:
    """The answer to one wish by one model process; see `core.wish.Answer`."""

    def __init__(
        self, route: Route, tickets: Sequence[Ticket], choices: int, calling: Calling | None
    ) -> None:
        """Of requests that were put to the process.

        Args:
            route: who answers.
            tickets: one for each choice, or one for all when they are the same.
            choices: how many.
            calling: how calls are found in a choice; None: there can be none.
        """
        self.route = route
        self._tickets = tuple(tickets)
        made = [CallingChoice(at, calling) if calling else TextChoice(at) for at in range(choices)]
        self._choices: list[list[_Choice]] = [[each] for each in made] if len(tickets) > 1 else [made]
        self._ready: deque[AnswerEvent] = deque()
        self._unfinished = len(tickets)
        self._has_started = False
        self._merged: _Merged | None = None
        self._pumps: list[asyncio.Task[None]] = []

    async def next(self) -> AnswerEvent | None:
        """What happens next; None when all choices are complete.

        Raises:
            SigmaVaultError: one choice failed, and with it all.
        """
        while not self._ready and self._unfinished:
            try:
                at, event = await self._take()
            except SigmaVaultError:
                self.cancel()
                raise
            self._read(at, event)
        return self._ready.popleft() if self._ready else None

    def _read(self, at: int, event: Event) -> None:
        if isinstance(event, Started):
            if not self._has_started:
                self._has_started = True
                started = AnswerStarted(prompt_tokens=event.prompt_tokens, cached_tokens=event.cached_tokens)
                self._ready.append(started)
        elif isinstance(event, Finished):
            self._unfinished -= 1
            for choice in self._choices[at]:
                self._ready.extend(choice.finish(event))
        else:
            for choice in self._choices[at]:
                self._ready.extend(choice.read(event))

    async def _take(self) -> tuple[int, Event]:
        if len(self._tickets) == 1:
            return 0, await self._tickets[0].next()
        if self._merged is None:
            merged = self._merged = asyncio.Queue()
            self._pumps = [
                asyncio.create_task(_pump(at, ticket, merged)) for at, ticket in enumerate(self._tickets)
            ]
        at, event = await self._merged.get()
        if isinstance(event, Exception):
            raise event
        return at, event

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._unfinished = 0
        for pump in self._pumps:
            pump.cancel()
        for ticket in self._tickets:
            ticket.cancel()


async def _pump(at: int, ticket: Ticket, merged: _Merged) -> None:
    """Put what one ticket brings among what the others bring."""
    try:
        while True:
            event = await ticket.next()
            merged.put_nowait((at, event))
            if isinstance(event, Finished):
                return
    except Exception as error:  # whoever waits for the answer is told
        merged.put_nowait((at, error))
