"""An answer that comes from another server."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from sigmavault.core.errors import BackendGoneError
from sigmavault.core.wish import AnswerEvent, AnswerStarted, Route, Wish
from sigmavault.ryzan.remote.breaker import Verdict
from sigmavault.ryzan.remote.events import Lines, NonsenseError, Reader
from sigmavault.ryzan.remote.transport import HungUpError, patience

if TYPE_CHECKING:
    import httpx


class RemoteAnswer:
    """See `core.wish.Answer`. Must be begun first; whoever begins it may still ask somebody else."""

    def __init__(
        self,
        route: Route,
        wish: Wish,
        response: httpx.Response,
        stall_s: float,
        report: Callable[[Verdict], None],
    ) -> None:
        """Of a response whose head is there.

        Args:
            route: who answers.
            wish: what was asked.
            response: streamed, with status 200.
            stall_s: patience between two parts.
            report: told once how the server did.
        """
        self.route = route
        self._response = response
        self._stall_s = stall_s
        self._report = report
        self._lines = Lines()
        self._reader = Reader(wish)
        self._parts: AsyncIterator[bytes] = response.aiter_raw()
        self._events: deque[AnswerEvent] = deque()
        self._is_over = False
        self._has_begun = False
        self._reported = False

    async def begin(self, patience_s: float) -> None:
        """Wait for the first part of the answer.

        Raises:
            BackendGoneError: none came.
        """
        await self._fill(patience_s)
        self._has_begun = True
        # the count is told at the end
        self._events.appendleft(AnswerStarted(prompt_tokens=0))

    async def next(self) -> AnswerEvent | None:
        """What happens next; None when all choices are complete.

        Raises:
            BackendGoneError: the server has stopped in the middle.
        """
        if not self._events and not self._is_over:
            await self._fill(self._stall_s)
        return self._events.popleft() if self._events else None

    def cancel(self) -> None:
        """Nobody waits any more: the connection is closed, which the server notices."""
        if not self._is_over:
            self._is_over = True
            self._tell(Verdict.WORKED if self._has_begun else Verdict.UNKNOWN)
            self._close()

    async def _fill(self, patience_s: float) -> None:
        """Read until there is an event, or the answer is over."""
        try:
            # one limit for all of it: a server that sends comments for ever is stalled as well
            async with patience(patience_s):
                while not self._events and not self._is_over:
                    await self._read()
        except (HungUpError, NonsenseError) as error:
            raise self._fail(error) from error

    async def _read(self) -> None:
        try:
            data = await anext(self._parts)
        except StopAsyncIteration:
            if not self._reader.ended:
                raise NonsenseError("the end before the answer was complete") from None
        else:
            for line in self._lines.feed(data):
                self._events.extend(self._reader.read(line))
        if self._reader.ended:
            self._events.extend(self._reader.end())
            self._is_over = True
            self._tell(Verdict.WORKED)
            await self._response.aclose()

    def _fail(self, error: Exception) -> BackendGoneError:
        self._is_over = True
        self._events.clear()
        self._tell(Verdict.FAILED)
        self._close()
        return BackendGoneError(f"server {self.route.backend} {error}")

    def _close(self) -> None:
        task = asyncio.ensure_future(self._response.aclose())
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    def _tell(self, verdict: Verdict) -> None:
        if not self._reported:
            self._reported = True
            self._report(verdict)


_closing: set[asyncio.Future[None]] = set()
"""Connections being closed: the loop itself keeps no tasks alive."""
