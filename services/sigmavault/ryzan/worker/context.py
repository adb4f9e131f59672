"""The sequences of a model's context: what a new request need not compute, and what is kept for later ones.

A sequence whose answer is complete stays parked in the context until its room is needed. Its state goes to
memory beside the context while the model is idle, and when it must leave; the state of a prompt that has a
name also goes to disk. A recurrent model's state cannot be cut, so snapshots are taken while its prompt is
read: before the last token, and where it parts from one that was read before.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from sigmavault.core.chat import Reuse
from sigmavault.ryzan.worker.llama import Llama
from sigmavault.ryzan.worker.prefix import Held, Prefixes, common, may_share
from sigmavault.ryzan.worker.states import States

LEAST_SHARED = 16
"""Tokens in common that are worth sharing cells for."""

LEAST_KEPT = 64
"""Tokens that are worth keeping, or restoring, or waiting for."""

_SEEN = 16
"""Prompts that a recurrent model remembers having read, to see where the next one parts from them."""


@dataclass(slots=True)
class Counts:
    """What reuse has brought since the start."""

    hits: int = 0
    misses: int = 0
    tokens_saved: int = 0


class Context:
    """All sequences of a loaded model."""

    def __init__(self, llama: Llama, states: States) -> None:
        self._llama = llama
        self._states = states
        self._is_whole = llama.recurrent
        self._size = llama.limits.context
        self._prefixes = Prefixes(llama.limits.sequences + llama.limits.kept, is_whole=self._is_whole)
        self._spare = llama.limits.sequences + llama.limits.kept
        self._seen: deque[tuple[list[int], Reuse]] = deque(maxlen=_SEEN)
        self.counts = Counts()

    def claimed(self) -> int:
        """Cells that the active sequences need, those they share counted once."""
        return self._prefixes.claimed()

    def saved(self, tokens: list[int], reuse: Reuse) -> tuple[int, bool]:
        """How many tokens of a prompt need not be computed, and whether an active sequence shares them."""
        held, count = self._prefixes.find(tokens, reuse)
        return count, held is not None and held.is_active

    def worth_waiting(self, tokens: list[int], reuse: Reuse, reading: Held) -> int:
        """How far a sequence that is being read must come for this prompt to gain by waiting; 0: it gains
        nothing.

        Args:
            tokens: the prompt that could wait.
            reuse: whose it is.
            reading: another one's sequence.
        """
        if not may_share(reading.reuse, reuse):
            return 0
        goal = reading.prompt
        until = min(common(reading.tokens[:goal], tokens), len(tokens) - 1)
        if self._is_whole:  # it will take a snapshot there, and nowhere between
            until = goal - 1 if until >= goal - 1 else 0
        _, have = self._prefixes.find(tokens, reuse)
        return until if until - max(have, reading.length) >= LEAST_KEPT else 0

    def open(self, tokens: list[int], reuse: Reuse, prompt: int) -> Held:
        """Begin a sequence with as much of it computed as there is; the caller has seen that it fits."""
        source, count = self._prefixes.find(tokens, reuse)
        if source is not None:
            self._prefixes.touch(source)
        while not self._prefixes.has_slot:
            self._evict()
        held = self._prefixes.open(tokens, reuse, prompt)
        kept, more = self._states.find(tokens, reuse) if reuse.enabled else (None, 0)
        if kept is not None and more - count >= LEAST_KEPT and self.make_room(len(kept.tokens)):
            data = self._states.load(kept)
            if data is not None and self._restore(held, data, more):
                return held
        if source is not None and count >= LEAST_SHARED and source in self._prefixes.held:
            self._llama.share(source.slot, held.slot, count)
            self._prefixes.lean(held, source, count)
        return held

    def _restore(self, held: Held, data: bytearray, count: int) -> bool:
        if not self._llama.restore(held.slot, data):
            return False
        if not self._is_whole:
            self._llama.cut(held.slot, count)
        held.length = count
        return True

    def count(self, held: Held) -> None:
        """Count what was found for a request that begins."""
        if not held.reuse.enabled:
            return
        self.counts.hits += held.length > 0
        self.counts.misses += held.length == 0
        self.counts.tokens_saved += held.length

    def marks(self, held: Held) -> list[int]:
        """Where reading the prompt must stop for a snapshot, last one first; none unless recurrent."""
        if not (self._is_whole and held.reuse.enabled):
            return []
        prompt = list(held.tokens)
        branches = {common(seen, prompt) for seen, reuse in self._seen if may_share(reuse, held.reuse)}
        self._seen.append((prompt, held.reuse))
        wanted = {len(prompt) - 1, *(each for each in branches if LEAST_KEPT <= each < len(prompt))}
        return sorted((each for each in wanted if each > held.length), reverse=True)

    def snapshot(self, held: Held) -> None:
        """Keep the state of a sequence as it is now, for prompts that begin like that."""
        if not (self._prefixes.has_slot or self._evict()):
            return
        kept = self._prefixes.open(held.tokens[: held.length], held.reuse, min(held.prompt, held.length))
        self._llama.share(held.slot, kept.slot, held.length)
        self._prefixes.lean(kept, held, held.length)
        kept.is_active = False
        self._name(kept, held.length)

    def make_room(self, rows: int) -> bool:
        """Make room for so many more tokens, at the expense of what is parked; False: there is none."""
        while self._prefixes.cells() + rows > self._size:
            if not self._evict():
                return False
        return True

    def trim(self) -> None:
        """What is parked must not slow down what computes; it leaves if it can come back from memory.

        Every row of a step looks at all cells, and passing over those of others takes time as well: 200 of
        them made an answer 10 % slower, 1,000 a prompt 5 %.
        """
        for each in self._prefixes.parked():
            if self._llama.state_bytes(each.slot) <= self._states.ram_budget:
                self._give_up(each)

    def clear(self) -> bool:
        """Give up everything that is parked; False when nothing was."""
        parked = self._prefixes.parked()
        for each in parked:
            self._give_up(each)
        return bool(parked)

    def park(self, held: Held) -> None:
        """The answer is over, however it ended: keep what was computed for it."""
        held.is_active = False
        held.tokens = held.tokens[: held.length]
        if not held.reuse.enabled or held.length < LEAST_SHARED:
            self.drop(held)
            return
        if not self._is_whole:  # else its snapshots are kept
            self._name(held, held.prompt)
        self._prefixes.touch(held)
        for each in [] if self._is_whole else self._prefixes.covered_by(held):
            self.drop(each)

    def _name(self, held: Held, count: int) -> None:
        if held.reuse.key and LEAST_KEPT <= count <= held.length:
            held.named = count

    def drop(self, held: Held) -> None:
        """Give up a sequence."""
        self._llama.forget(held.slot)
        self._prefixes.close(held)
        if not self._prefixes.held:
            # else llama.cpp goes on where it was, and every step passes over the empty cells before that
            self._llama.forget_all()

    def _evict(self) -> bool:
        parked = self._prefixes.parked()
        if parked:
            self._give_up(parked[0])
        return bool(parked)

    def _give_up(self, held: Held) -> None:
        self._register(held)
        self._back(held)
        self.drop(held)

    def _back(self, held: Held) -> None:
        if not self._should_back(held):
            return
        held.is_backed = True
        _, have = self._states.find([*held.tokens, 0], held.reuse)
        if have < held.length and self._llama.state_bytes(held.slot) <= self._states.ram_budget:
            self._states.keep(held.tokens, held.reuse, self._llama.save(held.slot))

    def _register(self, held: Held) -> None:
        """Keep the state of a named prompt, unless nearly all of it is kept already."""
        count, held.named = held.named, 0
        tokens = held.tokens[:count]
        if count == 0 or count - self._states.named(tokens, held.reuse.key) < LEAST_KEPT:
            return
        self._llama.share(held.slot, self._spare, count)
        self._states.keep(tokens, held.reuse, self._llama.save(self._spare), on_disk=True)
        self._llama.forget(self._spare)

    @property
    def has_urgent_work(self) -> bool:
        """Whether named states wait to be kept."""
        return self._states.has_work or any(each.named for each in self._prefixes.held)

    @property
    def has_work(self) -> bool:
        """Whether `work` would do anything."""
        return self.has_urgent_work or any(map(self._should_back, self._prefixes.held))

    def work(self) -> None:
        """Use a quiet moment for a part of what is to be kept."""
        if self._states.has_work:
            self._states.write()
            return
        named = next((each for each in self._prefixes.held if each.named), None)
        if named is not None:
            self._register(named)
            return
        parked = next((each for each in self._prefixes.held if self._should_back(each)), None)
        if parked is not None:
            self._back(parked)

    def close(self) -> None:
        """The process ends: what has a name is kept."""
        while self.has_urgent_work:
            self.work()

    def _should_back(self, held: Held) -> bool:
        return not held.is_active and not held.is_backed and held.length >= LEAST_KEPT
