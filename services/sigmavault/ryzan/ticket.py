"""One request under way, as whoever asked sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sigmavault.core.chat import Event
from sigmavault.core.errors import SigmaVaultError


class Ticket:
    """One request that a model process is answering."""

    def __init__(self, number: int, forget: Callable[[Ticket], None]) -> None:
        self.number = number
        self._forget = forget
        self._events: asyncio.Queue[Event | SigmaVaultError] = asyncio.Queue()

    def put(self, event: Event | SigmaVaultError) -> None:
        """Deliver what happened."""
        self._events.put_nowait(event)

    async def next(self) -> Event:
        """Wait for what happens next; `Finished` is the last event.

        Raises:
            SigmaVaultError: the request failed.
        """
        event = await self._events.get()
        if isinstance(event, SigmaVaultError):
            raise event
        return event

    def cancel(self) -> None:
        """Nobody waits for the answer any more. Harmless when it is complete."""
        self._forget(self)
