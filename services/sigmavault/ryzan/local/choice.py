"""One choice of an answer: from the text that a model writes to text and calls."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable

from sigmavault.core.chat import Finish, Finished, Piece, TokenLogprob
from sigmavault.core.tools import (
    CallArguments,
    CallBegin,
    CallEvent,
    CallParser,
    LeadingCallParser,
    TextPart,
)
from sigmavault.core.wish import AnswerEvent, CallDelta, ChoiceFinished, ContentDelta
from sigmavault.ryzan.local.request import Calling


class TextChoice:
    """A choice that is nothing but text."""

    def __init__(self, index: int) -> None:
        self._index = index

    def read(self, piece: Piece) -> Iterable[AnswerEvent]:
        """What a further part of the answer brings."""
        return (ContentDelta(index=self._index, text=piece.text, logprobs=piece.logprobs),)

    def finish(self, finished: Finished) -> Iterable[AnswerEvent]:
        """What is left when the answer is over."""
        return (
            ChoiceFinished(
                index=self._index, finish=finished.finish, completion_tokens=finished.completion_tokens
            ),
        )


class CallingChoice:
    """A choice that may call tools."""

    def __init__(self, index: int, calling: Calling) -> None:
        """Begin to read.

        Args:
            index: of the choice.
            calling: how calls are found.
        """
        self._index = index
        parser = LeadingCallParser if calling.leading else CallParser
        self._parser: CallParser | LeadingCallParser = parser(
            calling.written, calling.tools, most=calling.most
        )
        self._logprobs = _HeldLogprobs()

    def read(self, piece: Piece) -> Iterable[AnswerEvent]:
        """What a further part of the answer brings."""
        self._logprobs.add(piece)
        return self._told(self._parser.feed(piece.text))

    def finish(self, finished: Finished) -> Iterable[AnswerEvent]:
        """What is left when the answer is over: a cut call is text, or left out behind others."""
        told = self._told(self._parser.end(is_cut=finished.finish is Finish.LENGTH))
        if not self._parser.calls and (left := self._logprobs.rest()):
            told.append(ContentDelta(index=self._index, text="", logprobs=left))
        is_whole = self._parser.calls and not self._parser.is_call_lost
        finish = Finish.TOOL_CALLS if is_whole else finished.finish
        tokens = finished.completion_tokens
        return [*told, ChoiceFinished(index=self._index, finish=finish, completion_tokens=tokens)]

    def _told(self, events: Iterable[CallEvent]) -> list[AnswerEvent]:
        told: list[AnswerEvent] = []
        for event in events:
            match event:
                case TextPart(text):
                    logprobs = self._logprobs.of(text)
                    told.append(ContentDelta(index=self._index, text=text, logprobs=logprobs))
                case CallBegin(call, name):
                    self._logprobs.stop()
                    number = f"call_{secrets.token_hex(12)}"
                    told.append(CallDelta(index=self._index, call=call, id=number, name=name))
                case CallArguments(call, delta):
                    told.append(CallDelta(index=self._index, call=call, arguments=delta))
                case _:
                    pass
        return told


class _HeldLogprobs:
    """Log probabilities, told with the first character of their token and not before.

    What comes before the first call is told character for character, so that the place in the text is
    enough to know which belong to it. Of calls, and of what follows them, none are told.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, tuple[TokenLogprob, ...]]] = deque()
        self._come = 0
        self._told = 0
        self._is_over = False

    def add(self, piece: Piece) -> None:
        """Take those of a further part of the answer."""
        if piece.logprobs and not self._is_over:
            self._waiting.append((self._come, piece.logprobs))
        self._come += len(piece.text)

    def of(self, text: str) -> tuple[TokenLogprob, ...]:
        """Those of the text that is told now."""
        self._told += len(text)
        found: list[TokenLogprob] = []
        while self._waiting and self._waiting[0][0] < self._told:
            found += self._waiting.popleft()[1]
        return tuple(found)

    def rest(self) -> tuple[TokenLogprob, ...]:
        """Those that have no text."""
        found = tuple(each for _, logprobs in self._waiting for each in logprobs)
        self._waiting.clear()
        return found

    def stop(self) -> None:
        """A call has come."""
        self._is_over = True
        self._waiting.clear()
