"""Continuous batching: several answers grow at once, one decode step for all of them.

Every step takes one token of each answer that is being written, and fills the rest of the batch with
parts of the prompts that are still being read, in equal shares, so that a long prompt neither stops the
running answers nor starves a short one. Nothing here knows sockets; what happens is handed to `emit`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sigmavault.core.chat import Event, Finish, Finished, GenerateRequest, Piece, Started, TokenLogprob
from sigmavault.core.errors import ContextTooLongError, InvalidRequestError, WorkerLostError
from sigmavault.ryzan.worker.llama import Llama, Span
from sigmavault.ryzan.worker.sampling import NOTHING, Sampler
from sigmavault.ryzan.worker.text import AnswerText

_HEADROOM = 64
"""Tokens that must be free beyond a prompt before it is admitted beside others: otherwise it would be
thrown out again at once."""

_NO_SLOT = -1


@dataclass(slots=True, eq=False)
class Sequence:
    """A request that is waiting or being answered.

    Attributes:
        number: of the request.
        tokens: prompt, then answer.
        prompt_tokens: how many of them are prompt.
        limit: most tokens of the answer.
        text: what may be shown of the answer.
        sampler: chooses its tokens.
        slot: its number in the context; `_NO_SLOT` while it waits.
        done: how many of its tokens the context holds.
    """

    number: int
    tokens: list[int]
    prompt_tokens: int
    limit: int
    text: AnswerText
    sampler: Sampler
    slot: int = _NO_SLOT
    done: int = 0

    @property
    def answered(self) -> int:
        """Tokens of the answer so far."""
        return len(self.tokens) - self.prompt_tokens

    @property
    def missing(self) -> int:
        """Tokens that must be computed before the next one can be chosen."""
        return len(self.tokens) - self.done


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one step computes of one sequence: its next `count` tokens."""

    sequence: Sequence
    count: int

    @property
    def complete(self) -> bool:
        """Whether the next token of the answer can be chosen after this."""
        return self.count == self.sequence.missing

    def span(self) -> Span:
        """What the model computes; it has an output when the part is complete."""
        start, end = self.sequence.done, self.sequence.done + self.count
        return Span(
            tokens=self.sequence.tokens[start:end],
            position=start,
            sequence=self.sequence.slot,
            output=self.complete,
        )


class Meter:
    """Tokens per second over the last seconds of work."""

    def __init__(self, window_s: float = 10.0) -> None:
        self._window_s = window_s
        self._steps: deque[tuple[float, int]] = deque()
        self._seconds = 0.0
        self._tokens = 0

    def add(self, seconds: float, tokens: int) -> None:
        """Count one step that chose tokens."""
        self._steps.append((seconds, tokens))
        self._seconds += seconds
        self._tokens += tokens
        while len(self._steps) > 1 and self._seconds > self._window_s:
            seconds, tokens = self._steps.popleft()
            self._seconds -= seconds
            self._tokens -= tokens

    @property
    def rate(self) -> float:
        """Tokens per second; 0 before the first."""
        return self._tokens / self._seconds if self._steps else 0.0


def share(budget: int, wanted: list[int]) -> list[int]:
    """Split a budget into equal shares, none more than wanted; what one leaves goes to the others."""
    given = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    for place, index in enumerate(order):
        given[index] = min(wanted[index], budget // (len(order) - place))
        budget -= given[index]
    return given


class Engine:
    """All requests of one model."""

    def __init__(self, llama: Llama, emit: Callable[[int, Event], None]) -> None:
        self._llama = llama
        self._emit = emit
        self._waiting: deque[Sequence] = deque()
        self._active: list[Sequence] = []  # oldest first
        self._free = list(range(llama.limits.sequences))
        self.context_tokens = min(llama.limits.context, llama.trained_context)
        self.meter = Meter()

    @property
    def busy(self) -> bool:
        """Whether a step would do anything."""
        return bool(self._active or self._waiting)

    @property
    def active(self) -> int:
        """Answers being computed."""
        return len(self._active)

    def ask(self, number: int, prompt: list[int], request: GenerateRequest) -> None:
        """Take a request in.

        Raises:
            ContextTooLongError: prompt and answer do not fit into the context.
            InvalidRequestError: the prompt is empty.
        """
        if not prompt:
            raise InvalidRequestError("the prompt is empty", param="prompt")
        room = self.context_tokens - len(prompt)
        if room < 1:
            raise ContextTooLongError(
                f"the model's context is {self.context_tokens} tokens, the messages are {len(prompt)}",
                param="messages",
            )
        self._waiting.append(
            Sequence(
                number=number,
                tokens=prompt,
                prompt_tokens=len(prompt),
                limit=min(room, request.max_tokens or room),
                text=AnswerText(request.stop),
                sampler=self._llama.open_sampler(request),
            )
        )
        self._emit(number, Started(prompt_tokens=len(prompt)))

    def cancel(self, number: int) -> None:
        """End a request; nothing more is emitted for it. Unknown numbers are those already finished."""
        for sequence in (*self._active, *self._waiting):
            if sequence.number == number:
                self._drop(sequence)

    def step(self) -> None:
        """Compute one batch and hand out what came of it.

        Raises:
            WorkerLostError: llama.cpp failed.
        """
        started = time.monotonic()
        self._admit()
        parts = self._plan()
        while not self._llama.decode([part.span() for part in parts]):
            self._make_room()
            parts = self._plan()
        last, written = -1, 0
        for part in parts:
            last += part.count
            complete = part.complete
            part.sequence.done += part.count
            if complete:
                written += 1
                self._advance(part.sequence, last)
        if written:
            self.meter.add(time.monotonic() - started, written)

    def _used(self) -> int:
        return sum(len(sequence.tokens) for sequence in self._active)

    def _admit(self) -> None:
        while self._waiting and self._free:
            needed = self._used() + len(self._waiting[0].tokens) + _HEADROOM
            if self._active and needed > self._llama.limits.context:
                return
            sequence = self._waiting.popleft()
            sequence.slot = self._free.pop()
            self._active.append(sequence)

    def _plan(self) -> list[Part]:
        """What the next step computes, in the order of its rows."""
        while self._used() > self._llama.limits.context:
            self._make_room()
        reading = [each for each in self._active if each.missing > 1]
        budget = self._llama.limits.batch - (len(self._active) - len(reading))
        counts = iter(share(budget, [each.missing for each in reading]))
        parts = (Part(sequence=each, count=next(counts) if each.missing > 1 else 1) for each in self._active)
        return [part for part in parts if part.count]

    def _make_room(self) -> None:
        """The context is full: the youngest goes back to the queue and is computed again later."""
        if len(self._active) < 2:
            raise WorkerLostError("the context has no room for a single request")
        youngest = self._active.pop()
        self._release(youngest)
        self._waiting.appendleft(youngest)

    def _release(self, sequence: Sequence) -> None:
        if sequence.slot != _NO_SLOT:
            self._llama.forget(sequence.slot)
            self._free.append(sequence.slot)
            sequence.slot = _NO_SLOT
        sequence.done = 0

    def _drop(self, sequence: Sequence) -> None:
        (self._waiting if sequence.slot == _NO_SLOT else self._active).remove(sequence)
        self._release(sequence)
        sequence.sampler.close()

    def _advance(self, sequence: Sequence, row: int) -> None:
        choice = sequence.sampler.choose(row)
        token = choice.token
        if token == NOTHING or self._llama.is_end(token):
            self._finish(sequence, Finish.STOP, extra=token != NOTHING)
            return
        sequence.tokens.append(token)
        self._say(sequence, sequence.text.feed(sequence.sampler.piece(token)), choice.logprob)
        if sequence.text.stopped:
            self._finish(sequence, Finish.STOP)
        elif sequence.answered >= sequence.limit:
            self._finish(sequence, Finish.LENGTH)

    def _say(self, sequence: Sequence, text: str, logprob: TokenLogprob | None = None) -> None:
        if text or logprob:
            self._emit(sequence.number, Piece(text=text, logprobs=(logprob,) if logprob else ()))

    def _finish(self, sequence: Sequence, finish: Finish, *, extra: int = 0) -> None:
        self._say(sequence, sequence.text.end())
        # a stop text may turn up in what was held back
        reason = Finish.STOP if sequence.text.stopped else finish
        self._drop(sequence)
        self._emit(sequence.number, Finished(finish=reason, completion_tokens=sequence.answered + extra))
