"""From what a model process says to the answer that callers get."""

from __future__ import annotations

from sigmavault.core.chat import Piece, Started
from sigmavault.core.wish import AnswerEvent, AnswerStarted, ChoiceFinished, ContentDelta, Route
from sigmavault.ryzan.supervisor import Ticket


class LocalAnswer:
    """The answer to one wish by one model process; see `core.wish.Answer`."""

    def __init__(self, route: Route, ticket: Ticket) -> None:
        self.route = route
        self._ticket = ticket
        self._is_over = False

    async def next(self) -> AnswerEvent | None:
        """What happens next; None when the answer is complete.

        Raises:
            SigmaVaultError: the request failed.
        """
        if self._is_over:
            return None
        event = await self._ticket.next()
        if isinstance(event, Started):
            return AnswerStarted(prompt_tokens=event.prompt_tokens, cached_tokens=event.cached_tokens)
        if isinstance(event, Piece):
            return ContentDelta(index=0, text=event.text, logprobs=event.logprobs)
        self._is_over = True
        return ChoiceFinished(index=0, finish=event.finish, completion_tokens=event.completion_tokens)

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._ticket.cancel()
