"""Continuous batching: several answers grow at once, one decode step for all of them.

Every step takes one token of each answer that is being written, and fills the rest of the batch with
parts of the prompts that are still being read, in equal shares, so that a long prompt neither stops the
running answers nor starves a short one. A request whose prompt begins like one that is being read waits
for that rather than computing it a second time. Nothing here knows sockets; what happens is handed to
`emit`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sigmavault.core.chat import (
    Event,
    Finish,
    Finished,
    GenerateRequest,
    Piece,
    Reuse,
    Started,
    TokenLogprob,
)
from sigmavault.core.errors import ContextTooLongError, InvalidRequestError, WorkerLostError
from sigmavault.ryzan.worker.context import Context
from sigmavault.ryzan.worker.crew import Crews
from sigmavault.ryzan.worker.llama import Llama, Span
from sigmavault.ryzan.worker.pace import Meter, Pace, share
from sigmavault.ryzan.worker.prefix import Held
from sigmavault.ryzan.worker.sampling import NOTHING, Sampler
from sigmavault.ryzan.worker.speculate import Guesses, Proposer, Reach, accept, is_guessable
from sigmavault.ryzan.worker.states import States
from sigmavault.ryzan.worker.text import AnswerText

_HEADROOM = 64
"""Tokens that must be free beyond a prompt before it is admitted beside others: otherwise it would be
thrown out again at once."""


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
        reuse: what may be shared with other requests.
        is_guessable: whether guesses can be held against its tokens.
        held: its place in the context; None while it waits.
        marks: how far it must be computed for the next snapshots, the nearest one last.
        is_started: whether the requester knows that it began.
        behind: another one that is reading the same prompt.
        until: how far that one must come.
    """

    number: int
    tokens: list[int]
    prompt_tokens: int
    limit: int
    text: AnswerText
    sampler: Sampler
    reuse: Reuse
    is_guessable: bool = False
    held: Held | None = None
    marks: list[int] = field(default_factory=list)
    is_started: bool = False
    behind: Sequence | None = None
    until: int = 0

    @property
    def answered(self) -> int:
        """Tokens of the answer so far."""
        return len(self.tokens) - self.prompt_tokens

    @property
    def done(self) -> int:
        """How many of its tokens the context holds."""
        return self.held.length if self.held else 0

    @property
    def missing(self) -> int:
        """Tokens that must be computed before the next one can be chosen."""
        return len(self.tokens) - self.done

    @property
    def wanted(self) -> int:
        """Tokens that the next step may compute."""
        return (self.marks[-1] if self.marks else len(self.tokens)) - self.done


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one step computes of one sequence: its next `count` tokens."""

    sequence: Sequence
    held: Held
    count: int

    @property
    def complete(self) -> bool:
        """Whether the next token of the answer can be chosen after this."""
        return self.count == self.sequence.missing

    def span(self) -> Span:
        """What the model computes; it has an output when the part is complete."""
        start, end = self.held.length, self.held.length + self.count
        return Span(
            tokens=self.sequence.tokens[start:end],
            position=start,
            sequence=self.held.slot,
            output=self.complete,
        )


class Engine:
    """All requests of one model."""

    def __init__(self, llama: Llama, states: States, emit: Callable[[int, Event], None]) -> None:
        self._llama = llama
        self.emit = emit
        self._waiting: deque[Sequence] = deque()
        self._active: list[Sequence] = []  # oldest first
        self.context = Context(llama, states)
        self.context_tokens = min(llama.limits.context, llama.trained_context or llama.limits.context)
        self.meter = Meter()
        self.pace = Pace(llama.limits.batch)
        self.crews = Crews()
        self.guesses = Guesses()
        self._proposer: Proposer | None = None
        self._reach = Reach()
        self._most_guesses = min(llama.limits.batch, llama.limits.sequences + llama.limits.kept) - 1

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
                reuse=request.reuse,
                is_guessable=is_guessable(request),
            )
        )

    def speculate(self, proposer: Proposer | None) -> None:
        """From the next step on, try its guesses; not for a recurrent model: there they cannot be taken back.

        Args:
            proposer: what guesses how an answer goes on; None: nothing does.
        """
        self._proposer, self._reach = proposer, Reach()

    def cancel(self, number: int) -> None:
        """End a request; nothing more is emitted for it. Unknown numbers are those already finished."""
        for sequence in (*self._active, *self._waiting):
            if sequence.number == number:
                self._end(sequence)

    def step(self) -> None:
        """Compute one batch and hand out what came of it.

        Raises:
            WorkerLostError: llama.cpp failed.
        """
        started = time.monotonic()
        self._admit()
        if self._proposer is not None and self._guess(self._proposer, started):
            return
        parts = self._decode()
        seconds = time.monotonic() - started
        last, written = -1, 0
        for part in parts:
            last += part.count
            complete = part.complete
            part.held.length += part.count
            if complete:
                written += 1
                self._advance(part.sequence, last)
            else:
                self._pass_mark(part.sequence, part.held)
        self.pace.add(seconds, last + 1)
        if written:
            self.meter.add(seconds, written)

    def _guess(self, proposer: Proposer, started: float) -> bool:
        """A step that also tries guesses; False: nothing was done.

        Only for an answer that is written alone: others beside it make better use of the rows.
        """
        sequence = self._active[0] if len(self._active) == 1 else None
        if sequence is None or sequence.held is None or not sequence.is_guessable or sequence.missing != 1:
            return False
        count = min(self._reach.count, self._most_guesses, sequence.limit - sequence.answered - 1)
        guesses = proposer.propose(sequence.tokens, count) if count > 0 else []
        if not guesses or not self._check(sequence, sequence.held, guesses):
            return False
        seconds = time.monotonic() - started
        sampler = sequence.sampler
        taken = accept(guesses, lambda row: sampler.choose(row).token, self._llama.is_end)
        self._reach.learn(len(guesses), len(taken) - 1)
        self.guesses.add(len(guesses), len(taken) - 1)
        self.meter.add(seconds, len(taken))
        self._take_all(sequence, sequence.held, taken)
        return True

    def _check(self, sequence: Sequence, held: Held, guesses: list[int]) -> bool:
        """Compute the last token and the guesses behind it, with an output for each; False: no room."""
        span = Span(
            tokens=[sequence.tokens[-1], *guesses], position=held.length, sequence=held.slot, output=True
        )
        return self.context.make_room(len(span.tokens)) and self._llama.decode([span], all_outputs=True)

    def _take_all(self, sequence: Sequence, held: Held, tokens: list[int]) -> None:
        end = None
        for token in tokens:
            held.length += 1
            end = self._take(sequence, token)
            if end is not None:
                break
        self._llama.cut(held.slot, held.length)  # before it is parked
        if end is not None:
            self._finish(sequence, *end)

    def _decode(self) -> list[Part]:
        while True:
            parts = self._plan()
            rows = sum(part.count for part in parts)
            if self.context.make_room(rows) and self._compute(parts, rows):
                return parts
            if not self.context.clear():
                self._send_back()

    def _compute(self, parts: list[Part], rows: int) -> bool:
        spans = [part.span() for part in parts]

        def step(threads: int) -> bool:
            self._llama.set_threads(threads, threads)
            return self._llama.decode(spans)

        return self.crews.compute(rows, step, reads=rows > len(parts))

    def _admit(self) -> None:
        """Begin what can begin, in the order of asking; who waits for another one's prompt is passed over."""
        if not self._waiting or len(self._active) >= self._llama.limits.sequences:
            return
        for sequence in tuple(self._waiting):
            if len(self._active) >= self._llama.limits.sequences:
                break
            if self._should_wait(sequence):
                continue
            if not self._fits(sequence):
                break
            self._waiting.remove(sequence)
            self._begin(sequence)
        self.context.trim()

    def _should_wait(self, sequence: Sequence) -> bool:
        behind = sequence.behind
        if behind is not None and behind.held is not None and behind.done < sequence.until:
            return True
        sequence.behind = None
        for each in self._active:
            if each.held is None or each.done >= each.prompt_tokens - 1:
                continue
            until = self.context.worth_waiting(sequence.tokens, sequence.reuse, each.held)
            if until:
                sequence.behind, sequence.until = each, until
                return True
        return False

    def _fits(self, sequence: Sequence) -> bool:
        if not self._active:
            return True
        saved, is_shared = self.context.saved(sequence.tokens, sequence.reuse)
        needed = len(sequence.tokens) - (saved if is_shared else 0) + _HEADROOM
        return self.context.claimed() + needed <= self._llama.limits.context

    def _begin(self, sequence: Sequence) -> None:
        held = self.context.open(sequence.tokens, sequence.reuse, sequence.prompt_tokens)
        sequence.held = held
        sequence.marks = self.context.marks(held)
        self._active.append(sequence)
        if not sequence.is_started:
            sequence.is_started = True
            self.context.count(held)
            started = Started(prompt_tokens=sequence.prompt_tokens, cached_tokens=held.length)
            self.emit(sequence.number, started)

    def _plan(self) -> list[Part]:
        """What the next step computes, in the order of its rows."""
        while self._claims_too_much():
            self._send_back()
        reading = [each for each in self._active if each.missing > 1]
        writing = len(self._active) - len(reading)
        budget = self.pace.tokens(beside=writing) - writing
        counts = iter(share(budget, [each.wanted for each in reading]))
        return [
            Part(sequence=each, held=each.held, count=count)
            for each in self._active
            if each.held is not None and (count := next(counts) if each.missing > 1 else 1)
        ]

    def _claims_too_much(self) -> bool:
        size = self._llama.limits.context
        return sum(len(each.tokens) for each in self._active) > size and self.context.claimed() > size

    def _send_back(self) -> None:
        """The context is full: the youngest goes back to the queue and is computed again later."""
        if len(self._active) < 2:
            raise WorkerLostError("the context has no room for a single request")
        youngest = self._active.pop()
        if youngest.held is not None:
            self.context.drop(youngest.held)
        youngest.held = None
        self._waiting.appendleft(youngest)

    def _pass_mark(self, sequence: Sequence, held: Held) -> None:
        if sequence.marks and held.length == sequence.marks[-1]:
            sequence.marks.pop()
            self.context.snapshot(held)

    def _end(self, sequence: Sequence) -> None:
        if sequence.held is None:
            self._waiting.remove(sequence)
        else:
            self._active.remove(sequence)
            self.context.park(sequence.held)
            sequence.held = None
        sequence.sampler.close()

    def _advance(self, sequence: Sequence, row: int) -> None:
        choice = sequence.sampler.choose(row)
        end = self._take(sequence, choice.token, choice.logprob)
        if end is not None:
            self._finish(sequence, *end)

    def _take(
        self, sequence: Sequence, token: int, logprob: TokenLogprob | None = None
    ) -> tuple[Finish, int] | None:
        """Continue an answer; where that ends it: why, and how many tokens count beyond its text."""
        if token == NOTHING or self._llama.is_end(token):
            return Finish.STOP, token != NOTHING
        sequence.tokens.append(token)
        self._say(sequence, sequence.text.feed(sequence.sampler.piece(token)), logprob)
        if sequence.text.stopped:
            return Finish.STOP, 0
        if sequence.answered >= sequence.limit:
            return Finish.LENGTH, 0
        return None

    def _say(self, sequence: Sequence, text: str, logprob: TokenLogprob | None = None) -> None:
        if text or logprob:
            self.emit(sequence.number, Piece(text=text, logprobs=(logprob,) if logprob else ()))

    def _finish(self, sequence: Sequence, finish: Finish, extra: int) -> None:
        self._say(sequence, sequence.text.end())
        # a stop text may turn up in what was held back
        reason = Finish.STOP if sequence.text.stopped else finish
        self.emit(sequence.number, Finished(finish=reason, completion_tokens=sequence.answered + extra))
        self._end(sequence)
