"""Which sequences of the context hold which tokens, who may begin with them, and what they take. Pure.

Sequences that begin alike share the cells of what they have in common. So they form trees: each has a lead,
whose first `shared` tokens it uses; the cells after those are its own.
"""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass

from sigmavault.core.chat import Reuse


def common(one: Items[int], other: Items[int]) -> int:
    """How many tokens two lists have in common at their beginning."""
    low, high = 0, min(len(one), len(other))
    if high == 0 or one[0] != other[0]:
        return 0
    # equal up to `low`; slices are compared much faster than tokens one by one
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def may_share(held: Reuse, asked: Reuse) -> bool:
    """Whether what one request has computed may serve another one."""
    return held.enabled and asked.enabled and (is_own(held, asked) or is_named_alike(held, asked))


def is_own(held: Reuse, asked: Reuse) -> bool:
    """Whether both are of the same requester."""
    return held.space == asked.space


def is_named_alike(held: Reuse, asked: Reuse) -> bool:
    """Whether both give the same name, which shares the prompt; never the answer."""
    return held.key != "" and held.key == asked.key


@dataclass(slots=True, eq=False, kw_only=True)
class Held:
    """One sequence of the context.

    Attributes:
        slot: its number there.
        tokens: what it is; the first `length` are computed.
        length: how many are.
        prompt: how many of them are prompt.
        reuse: whose it is.
        is_active: an answer is being written on it; else it is parked, until the room is needed.
        is_backed: its state is also kept outside of the context.
        named: so many of its first tokens are a prompt that is to be kept under its name; 0: none.
        used: when it was used last, as a growing number.
        lead: the sequence whose cells it begins with.
        shared: how many of them.
    """

    slot: int
    tokens: list[int]
    reuse: Reuse
    prompt: int
    length: int = 0
    is_active: bool = True
    is_backed: bool = False
    named: int = 0
    used: int = 0
    lead: Held | None = None
    shared: int = 0


class Prefixes:
    """All sequences of a context."""

    def __init__(self, slots: int, *, is_whole: bool = False) -> None:
        """Begin with an empty context.

        Args:
            slots: how many sequences it can hold.
            is_whole: a sequence can serve only as a whole: its state cannot be cut.
        """
        self._free = list(range(slots))
        self._is_whole = is_whole
        self._clock = 0
        self.held: list[Held] = []

    @property
    def has_slot(self) -> bool:
        """Whether one more sequence could be held."""
        return bool(self._free)

    def open(self, tokens: list[int], reuse: Reuse, prompt: int) -> Held:
        """A new sequence, of which so many tokens are prompt; nothing of it is computed yet."""
        made = Held(slot=self._free.pop(), tokens=tokens, reuse=reuse, prompt=prompt)
        self.held.append(made)
        self.touch(made)
        return made

    def touch(self, held: Held) -> None:
        """It is used now."""
        self._clock += 1
        held.used = self._clock

    def lean(self, held: Held, lead: Held, count: int) -> None:
        """Let a new sequence begin with the first tokens of another one."""
        held.lead, held.shared, held.length = lead, count, count
        self.touch(lead)

    def close(self, held: Held) -> None:
        """Take a sequence out. Those that begin with its cells keep them: one becomes their owner."""
        self.held.remove(held)
        self._free.append(held.slot)
        followers = [each for each in self.held if each.lead is held]
        heir = max(followers, key=lambda each: each.shared, default=None)
        for each in followers:
            if each.shared <= held.shared:
                each.lead = held.lead
            elif each is heir:
                each.lead, each.shared = held.lead, held.shared
            else:
                each.lead = heir

    def find(self, tokens: list[int], reuse: Reuse) -> tuple[Held | None, int]:
        """The sequence that has most of a prompt computed, and how many of its tokens.

        Never all of them: the last one must be computed for the answer to begin.
        """
        best: Held | None = None
        most = 0
        for each in self.held:
            if each.length <= most:
                continue
            count = self.usable(each.tokens, self._reach(each, reuse), tokens)
            if count > most:
                best, most = each, count
        return best, most

    def _reach(self, held: Held, asked: Reuse) -> int:
        """How many computed tokens of a sequence a requester may use."""
        if not may_share(held.reuse, asked):
            return 0
        if is_own(held.reuse, asked) or held.length <= held.prompt:
            return held.length
        return 0 if self._is_whole else held.prompt

    def usable(self, held: Items[int], length: int, tokens: list[int]) -> int:
        """How many tokens of a prompt a state of `length` tokens saves."""
        count = min(common(held[:length], tokens), len(tokens) - 1)
        return 0 if self._is_whole and count < length else count

    def cells(self) -> int:
        """Tokens that the context holds, shared ones once."""
        return sum(each.length - each.shared for each in self.held)

    def claimed(self, *, is_computed: bool = False) -> int:
        """Tokens that it must hold for the active sequences, shared ones once.

        Args:
            is_computed: count what is computed by now, not all of their tokens.
        """
        needed: dict[int, int] = {}
        nodes: dict[int, Held] = {}
        for each in self.held:
            if not each.is_active:
                continue
            node: Held | None = each
            count = each.length if is_computed else len(each.tokens)
            while node is not None and count > needed.get(node.slot, 0):
                needed[node.slot], nodes[node.slot] = count, node
                count = min(count, node.shared)
                node = node.lead
        return sum(max(0, count - nodes[slot].shared) for slot, count in needed.items())

    def parked(self) -> list[Held]:
        """Sequences that could be given up, the one that was not used for the longest time first."""
        return sorted((each for each in self.held if not each.is_active), key=lambda each: each.used)

    def covered_by(self, held: Held) -> list[Held]:
        """Parked sequences that a longer one of the same requester has all of."""
        return [
            each
            for each in self.held
            if not each.is_active
            and each is not held
            and each.reuse == held.reuse
            and each.length <= held.length
            and common(each.tokens[: each.length], held.tokens) == each.length
        ]
