"""An answer that is given again, and one that is listened to so that it can be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sigmavault.core.answer_cache import LONGEST_ANSWER
from sigmavault.core.chat import Finish
from sigmavault.core.wish import Answer, AnswerEvent, AnswerStarted, ChoiceFinished, ContentDelta, Route


class CachedAnswer:
    """A kept answer; see `core.wish.Answer`."""

    def __init__(self, route: Route, text: str, *, prompt_tokens: int, completion_tokens: int) -> None:
        """Of an answer that ended by itself."""
        self.route = route
        self._events: deque[AnswerEvent] = deque()
        self._events.append(AnswerStarted(prompt_tokens=prompt_tokens, cached_tokens=prompt_tokens))
        if text:
            self._events.append(ContentDelta(index=0, text=text))
        finished = ChoiceFinished(index=0, finish=Finish.STOP, completion_tokens=completion_tokens)
        self._events.append(finished)

    async def next(self) -> AnswerEvent | None:
        """What happens next; nobody ever waits."""
        return self._events.popleft() if self._events else None

    def cancel(self) -> None:
        """There is no work to end."""
        self._events.clear()


class Recorded:
    """An answer that is listened to; see `core.wish.Answer`.

    What is not said to its end, in one choice of nothing but text, is not kept.
    """

    def __init__(self, answer: Answer, keep: Callable[[str, int, int], None]) -> None:
        """Of an answer under way.

        Args:
            answer: the answer.
            keep: called with text, tokens of the prompt and of the answer when it is complete.
        """
        self._answer = answer
        self._keep = keep
        self._parts: list[str] = []
        self._length = 0
        self._prompt_tokens = 0
        self._fits = False

    @property
    def route(self) -> Route:
        """Who answers, and why."""
        return self._answer.route

    async def next(self) -> AnswerEvent | None:
        """What happens next.

        Raises:
            SigmaVaultError: the request failed.
        """
        event = await self._answer.next()
        match event:
            case ContentDelta(index=0, logprobs=()):
                self._length += len(event.text)
                self._parts.append(event.text)
                self._fits = self._fits and self._length <= LONGEST_ANSWER
            case AnswerStarted():
                self._prompt_tokens = event.prompt_tokens
                self._fits = True
            case ChoiceFinished(index=0, finish=Finish.STOP) if self._fits:
                self._fits = False
                self._keep("".join(self._parts), self._prompt_tokens, event.completion_tokens)
            case None:
                pass
            case _:
                self._fits = False
        return event

    def cancel(self) -> None:
        """Nobody waits any more; what is not complete by now will not be kept."""
        self._fits = False
        self._answer.cancel()
