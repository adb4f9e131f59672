"""A model that is computed by hand.

Its context holds cells like llama.cpp's does, and checks what it is given.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from sigmavault.core.chat import Event, GenerateRequest
from sigmavault.ryzan.worker.engine import Engine
from sigmavault.ryzan.worker.llama import Limits, Llama, Span
from sigmavault.ryzan.worker.sampling import Choice
from sigmavault.ryzan.worker.states import States

END = 9


class Cell:
    """One token of the context; sequences share it."""

    def __init__(self, token: int) -> None:
        self.token = token


class Counter:
    """Stands in for llama.cpp. An answer is the last token plus one, and so on, up to `END`; or, where
    `is_deep`, a digit that depends on every token before it."""

    def __init__(self, limits: Limits, *, recurrent: bool = False, is_deep: bool = False) -> None:
        self.limits = limits
        self.trained_context = 10_000
        self.recurrent = recurrent
        self.is_deep = is_deep
        self.cells: dict[int, list[Cell]] = {}
        self.steps: list[list[Span]] = []
        self.outputs: dict[int, int] = {}
        self.samplers = 0
        self.computed = 0

    @property
    def used(self) -> int:
        return len({id(cell) for cells in self.cells.values() for cell in cells})

    def set_threads(self, decode: int, prefill: int) -> None:
        assert decode > 0
        assert prefill > 0

    def decode(self, spans: Sequence[Span], *, all_outputs: bool = False) -> bool:
        size = sum(len(each.tokens) for each in spans)
        assert 0 < size <= self.limits.batch
        if self.used + size > self.limits.context:
            return False
        self.outputs = {}
        row = -1
        for span in spans:
            held = self.cells.setdefault(span.sequence, [])
            assert span.position == len(held), "a token was skipped or computed twice"
            held += map(Cell, span.tokens)
            for at in range(len(span.tokens) if all_outputs else 1):
                if span.output:
                    known = held[: len(held) - at]
                    self.outputs[row + len(span.tokens) - at] = self.next([cell.token for cell in known])
            row += len(span.tokens)
        assert max(self.cells) < self.limits.sequences + self.limits.kept + 1
        self.steps.append(list(spans))
        self.computed += size
        return True

    def next(self, tokens: list[int]) -> int:
        if not self.is_deep:
            return min(tokens[-1] + 1, END)
        value = 7
        for token in tokens:
            value = (value * 31 + token) % 1_000_003
        return value % (END + 1)

    def answer(self, prompt: list[int], limit: int) -> str:
        """The answer to a prompt, by a computation of its own."""
        tokens = list(prompt)
        while len(tokens) - len(prompt) < limit and (found := self.next(tokens)) != END:
            tokens.append(found)
        return "".join(map(str, tokens[len(prompt) :]))

    def forget(self, sequence: int) -> None:
        self.cells.pop(sequence, None)

    def forget_all(self) -> None:
        assert not self.cells

    def share(self, source: int, target: int, count: int) -> None:
        assert target not in self.cells
        assert len(self.cells[source]) >= count > 0
        assert not self.recurrent or len(self.cells[source]) == count
        self.cells[target] = self.cells[source][:count]

    def cut(self, sequence: int, count: int) -> None:
        assert not self.recurrent
        del self.cells[sequence][count:]

    def state_bytes(self, sequence: int) -> int:
        return len(self.save(sequence))

    def save(self, sequence: int) -> bytearray:
        return bytearray(json.dumps([cell.token for cell in self.cells[sequence]]).encode())

    def restore(self, sequence: int, data: bytearray) -> bool:
        assert sequence not in self.cells
        tokens = json.loads(data)
        if self.used + len(tokens) > self.limits.context:
            return False
        self.cells[sequence] = [Cell(token) for token in tokens]
        return True

    def is_end(self, token: int) -> bool:
        return token == END

    def open_sampler(self, _request: GenerateRequest) -> Chooser:
        self.samplers += 1
        return Chooser(self)


class Chooser:
    """Takes what the model says."""

    def __init__(self, llama: Counter) -> None:
        self.llama = llama

    def choose(self, row: int) -> Choice:
        return Choice(self.llama.outputs[row])

    def piece(self, token: int) -> bytes:
        return str(token).encode()

    def close(self) -> None:
        self.llama.samplers -= 1


type Told = list[tuple[int, Event]]


def engine(
    context: int = 300, sequences: int = 4, batch: int = 8, *, states: States | None = None,
    llama: Counter | None = None,
) -> tuple[Engine, Counter, Told]:  # fmt: skip
    limits = Limits(context=context, sequences=sequences, batch=batch, kept=4)
    counter = llama or Counter(limits)
    told: Told = []
    made = Engine(
        cast("Llama", counter),
        states or States(identity=b"", ram_budget=0),
        lambda number, event: told.append((number, event)),
    )
    return made, counter, told
