"""Vectors of texts: many inputs in one step, each a sequence of its own."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sigmavault.core.chat import Embedded
from sigmavault.core.errors import ContextTooLongError, InvalidRequestError, WorkerLostError
from sigmavault.ryzan.worker.llama import Llama, Span


@dataclass(slots=True)
class _Job:
    """A request whose vectors are being made."""

    number: int
    inputs: list[list[int]]
    vectors: list[tuple[float, ...]] = field(default_factory=list)
    begun: int = 0


class Embedder:
    """All requests of one model that makes vectors."""

    def __init__(self, llama: Llama, reply: Callable[[int, Embedded], None]) -> None:
        self._llama = llama
        self._reply = reply
        self._jobs: deque[_Job] = deque()
        trained = llama.trained_context
        self.context_tokens = min(llama.limits.batch, trained) if trained > 0 else llama.limits.batch

    @property
    def busy(self) -> bool:
        """Whether a step would do anything."""
        return bool(self._jobs)

    @property
    def active(self) -> int:
        """Requests under way."""
        return len(self._jobs)

    def ask(self, number: int, inputs: list[list[int]]) -> None:
        """Take a request in.

        Raises:
            ContextTooLongError: an input is too long.
            InvalidRequestError: there is none, or an empty one.
        """
        if not inputs or not all(inputs):
            raise InvalidRequestError("an input is empty", param="input")
        longest = max(map(len, inputs))
        if longest > self.context_tokens:
            raise ContextTooLongError(
                f"the model reads {self.context_tokens} tokens, an input is {longest}", param="input"
            )
        self._jobs.append(_Job(number=number, inputs=inputs))

    def cancel(self, number: int) -> None:
        """End a request; unknown numbers are those already finished."""
        self._jobs = deque(each for each in self._jobs if each.number != number)

    def step(self) -> None:
        """Compute as many inputs as one step holds.

        Raises:
            WorkerLostError: llama.cpp failed.
        """
        owners, spans = self._pack()
        self._llama.forget_all()
        if not self._llama.decode(spans, all_outputs=True):
            raise WorkerLostError("the context has no room for the inputs of a step")
        for sequence, job in enumerate(owners):
            job.vectors.append(_normal(self._llama.vector(sequence)))
        while self._jobs and len(self._jobs[0].vectors) == len(self._jobs[0].inputs):
            job = self._jobs.popleft()
            tokens = sum(map(len, job.inputs))
            self._reply(job.number, Embedded(vectors=tuple(job.vectors), prompt_tokens=tokens))

    def _pack(self) -> tuple[list[_Job], list[Span]]:
        """The next inputs, oldest request first; sequence n belongs to the n-th owner."""
        owners: list[_Job] = []
        spans: list[Span] = []
        room = self._llama.limits.batch
        for job in self._jobs:
            while job.begun < len(job.inputs):
                tokens = job.inputs[job.begun]
                if len(tokens) > room or len(spans) == self._llama.limits.sequences:
                    return owners, spans
                spans.append(Span(tokens=tokens, position=0, sequence=len(spans), output=True))
                owners.append(job)
                room -= len(tokens)
                job.begun += 1
        return owners, spans


def _normal(vector: list[float]) -> tuple[float, ...]:
    length = math.sqrt(math.sumprod(vector, vector))
    return tuple(each / length for each in vector) if length > 0 else tuple(vector)
