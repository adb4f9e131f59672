"""Sets of strings as deterministic automata, and as rules for JSON string literals.

Deterministic, because llama.cpp follows every way at once that the text so far leaves open: a pattern with
many ways would cost its process the more, the longer the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sigmavault.core.grammar.gbnf import (
    HEX,
    Alt,
    Chars,
    Node,
    Range,
    Ref,
    Repeat,
    Rules,
    Seq,
    Text,
    TooLargeError,
    Work,
    alt,
    chars,
    one_of,
    seq,
)

MAX_STATES = 1500
_MAX_NFA = 6000

ANY_CHAR: tuple[Range, ...] = ((0x00, 0xD7FF), (0xE000, 0x10FFFF))
"""Every character; surrogates are none."""
_PLAIN: tuple[Range, ...] = ((0x20, 0x21), (0x23, 0x5B), (0x5D, 0x7E), (0xA0, 0xD7FF), (0xE000, 0x10FFFF))
"""What may stand in a JSON string as it is; without the C1 control characters."""
_SHORT = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x08: "\\b", 0x0C: "\\f"}
_COMMON = (0x22, 0x5C, 0x0A, 0x0D, 0x09)


@dataclass(frozen=True, slots=True)
class Automaton:
    """A set of strings. State 0 is the first.

    Attributes:
        moves: per state: the ranges of characters and where they lead; no two overlap.
        accepting: states in which a string may end.
    """

    moves: tuple[tuple[tuple[Range, int], ...], ...]
    accepting: frozenset[int]


def intersect(left: Iterable[Range], right: Sequence[Range]) -> tuple[Range, ...]:
    """The characters that are in both."""
    return tuple((max(a, c), min(b, d)) for a, b in left for c, d in right if max(a, c) <= min(b, d))


def invert(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """All other characters."""
    gaps, begin = [], 0
    for low, high in chars(*ranges).ranges:
        if begin < low:
            gaps.append((begin, low - 1))
        begin = high + 1
    return intersect([*gaps, (begin, 0x10FFFF)] if begin <= 0x10FFFF else gaps, ANY_CHAR)


class _Nfa:
    """Thompson's construction."""

    def __init__(self, work: Work) -> None:
        self.free: list[list[int]] = []
        self.edges: list[tuple[tuple[Range, ...], int] | None] = []
        self._work = work

    def state(self) -> int:
        if len(self.free) >= _MAX_NFA:
            raise TooLargeError
        self.free.append([])
        self.edges.append(None)
        return len(self.free) - 1

    def add(self, node: Node, begin: int) -> int:
        """Append a node behind a state; returns the state behind it."""
        match node:
            case Text(text):
                for each in text:
                    begin = self._step(begin, ((ord(each), ord(each)),))
                return begin
            case Chars(ranges):
                return self._step(begin, ranges)
            case Seq(parts):
                for part in parts:
                    begin = self.add(part, begin)
                return begin
            case Alt(options):
                end = self.state()
                for option in options:
                    first = self.state()
                    self.free[begin].append(first)
                    self.free[self.add(option, first)].append(end)
                return end
            case Repeat(item, least, most):
                return self._repeat(item, least, most, begin)
            case Ref():
                raise TypeError("an automaton has no rules to refer to")

    def _step(self, begin: int, ranges: tuple[Range, ...]) -> int:
        source, end = self.state(), self.state()
        self.free[begin].append(source)
        self.edges[source] = (intersect(ranges, ANY_CHAR), end)
        return end

    def _repeat(self, item: Node, least: int, most: int | None, begin: int) -> int:
        for _ in range(least):
            begin = self.add(item, begin)
        end = self.state()
        if most is None:
            loop = self.state()
            self.free[begin].append(loop)
            self.free[self.add(item, loop)].append(loop)
            self.free[loop].append(end)
            return end
        for _ in range(most - least):
            self.free[begin].append(end)
            begin = self.add(item, begin)
        self.free[begin].append(end)
        return end

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        seen = set(states)
        todo = list(seen)
        while todo:
            for each in self.free[todo.pop()]:
                if each not in seen:
                    seen.add(each)
                    todo.append(each)
        self._work.spend(len(seen))
        return frozenset(seen)


def _cut(edges: Sequence[tuple[tuple[Range, ...], int]], work: Work) -> list[tuple[Range, frozenset[int]]]:
    """Split overlapping edges into ranges that lead to sets of states."""
    points = sorted({point for ranges, _ in edges for a, b in ranges for point in (a, b + 1)})
    work.spend(len(points) * sum(len(ranges) for ranges, _ in edges) // 4)
    pieces = []
    for low, high in pairwise(points):
        targets = frozenset(
            target for ranges, target in edges if any(a <= low and high - 1 <= b for a, b in ranges)
        )
        if targets:
            pieces.append(((low, high - 1), targets))
    return pieces


def determinize(node: Node, work: Work) -> Automaton:
    """The automaton of a node without references.

    Args:
        node: what it matches.
        work: that may be done.

    Raises:
        TooLargeError: it would have too many states, or be too much work.
    """
    nfa = _Nfa(work)
    begin = nfa.state()
    end = nfa.add(node, begin)
    first = nfa.closure([begin])
    numbers, order = {first: 0}, [first]
    moves: list[tuple[tuple[Range, int], ...]] = []
    for states in order:  # grows while it is read
        row = []
        edges = [edge for each in states if (edge := nfa.edges[each])]
        for span, targets in _cut(edges, work):
            target = nfa.closure(targets)
            if target not in numbers:
                if len(order) >= MAX_STATES:
                    raise TooLargeError
                numbers[target] = len(order)
                order.append(target)
            row.append((span, numbers[target]))
        moves.append(tuple(row))
    accepting = frozenset(number for number, states in enumerate(order) if end in states)
    return _trim(Automaton(tuple(moves), accepting))


def limit_length(automaton: Automaton, least: int, most: int | None, work: Work) -> Automaton:
    """Only the strings of this many characters.

    Args:
        automaton: of all strings.
        least: characters.
        most: characters; None: any number.
        work: that may be done.

    Raises:
        TooLargeError: it would have too many states.
    """
    top = least if most is None else most
    numbers, order = {(0, 0): 0}, [(0, 0)]
    moves: list[tuple[tuple[Range, int], ...]] = []
    for state, length in order:  # grows while it is read
        work.spend(10 + len(automaton.moves[state]))
        row = []
        for span, target in automaton.moves[state]:
            if most is not None and length == most:
                continue
            key = (target, min(length + 1, top))
            if key not in numbers:
                if len(order) >= MAX_STATES:
                    raise TooLargeError
                numbers[key] = len(order)
                order.append(key)
            row.append((span, numbers[key]))
        moves.append(tuple(row))
    accepting = frozenset(
        number
        for number, (state, length) in enumerate(order)
        if state in automaton.accepting and length >= least
    )
    return _trim(Automaton(tuple(moves), accepting))


def _trim(automaton: Automaton) -> Automaton:
    """Without the moves from which no end can be reached."""
    alive = set(automaton.accepting)
    sources: dict[int, set[int]] = {}
    for source, row in enumerate(automaton.moves):
        for _, target in row:
            sources.setdefault(target, set()).add(source)
    todo = list(alive)
    while todo:
        for each in sources.get(todo.pop(), set()) - alive:
            alive.add(each)
            todo.append(each)
    moves = (
        tuple(move for move in row if move[1] in alive) if source in alive else ()
        for source, row in enumerate(automaton.moves)
    )
    return Automaton(tuple(moves), automaton.accepting)


def among(words: Iterable[str]) -> Automaton:
    """Exactly these strings."""
    moves: list[dict[str, int]] = [{}]
    accepting = set()
    for word in words:
        state = 0
        for each in word:
            if each not in moves[state]:
                moves.append({})
                moves[state][each] = len(moves) - 1
            state = moves[state][each]
        accepting.add(state)
    rows = (tuple(((ord(c), ord(c)), target) for c, target in sorted(row.items())) for row in moves)
    return Automaton(tuple(rows), frozenset(accepting))


def other_than(words: Iterable[str]) -> Automaton:
    """All strings of plain characters but these; for names that must not be one that is taken."""
    tree = among(words)
    rest = len(tree.moves)
    rows = []
    for row in tree.moves:
        others = intersect(invert(span for span, _ in row), _PLAIN)
        rows.append((*row, *((span, rest) for span in others)))
    rows.append(tuple((span, rest) for span in _PLAIN))
    return Automaton(tuple(rows), frozenset(range(rest + 1)) - tree.accepting)


def longest(automaton: Automaton) -> int | None:
    """Length of the longest string; None when there is none such."""
    lengths: dict[int, int] = {}
    open_states: set[int] = set()
    todo = [0]
    while todo:
        state = todo[-1]
        targets = {target for _, target in automaton.moves[state]}
        if targets & open_states - {state} or state in targets:
            return None
        open_states.add(state)
        if missing := [each for each in targets if each not in lengths]:
            todo.append(missing[0])
            continue
        lengths[state] = max((lengths[each] + 1 for each in targets), default=0)
        open_states.discard(todo.pop())
    return lengths[0]


def is_empty(automaton: Automaton) -> bool:
    """Whether there is no string in it."""
    return not automaton.accepting or (not automaton.moves[0] and 0 not in automaton.accepting)


def json_char(ranges: Sequence[Range]) -> Node:
    """How the characters of a class are written inside a JSON string.

    Control characters other than line breaks and tabs are left out unless the class names them alone.
    """
    plain = intersect(ranges, _PLAIN)
    escaped = [point for point in _COMMON if any(a <= point <= b for a, b in ranges)]
    options: list[Node] = [chars(*plain)] if plain else []
    options += (Text(_SHORT[point]) for point in escaped)
    if not options:
        controls = [point for a, b in ranges for point in range(a, min(b, 0x9F) + 1)]
        options += (Text(_SHORT.get(point, f"\\u{point:04x}")) for point in controls)
    return alt(*options)


def add_string(rules: Rules, stem: str, automaton: Automaton) -> Node:
    """Rules for the JSON string literals, quotes included, of an automaton's strings."""
    uses = _uses(automaton)
    names: dict[int, str] = {}
    todo: list[int] = []

    def leave(state: int) -> Node:
        """What follows on reaching a state: the rest itself while there is one way only, else its rule."""
        text = ""
        while state not in names and state not in automaton.accepting and uses[state] <= 1:
            if len(automaton.moves[state]) != 1:
                break
            (low, high), target = automaton.moves[state][0]
            written = json_char([(low, high)])
            if not isinstance(written, Text):
                break
            text, state = text + written.text, target
        if state in automaton.accepting and not automaton.moves[state]:
            return Text(text + '"')
        if state not in names:
            names[state] = rules.name(stem)
            todo.append(state)
        return seq(Text(text), Ref(names[state]))

    start = seq(Text('"'), leave(0))
    while todo:
        state = todo.pop()
        rules.nodes[names[state]] = _row(automaton, state, leave)
    return start


def _uses(automaton: Automaton) -> list[int]:
    uses = [1, *([0] * (len(automaton.moves) - 1))]
    for row in automaton.moves:
        for target in {target for _, target in row}:
            uses[target] += 1
    return uses


def _row(automaton: Automaton, state: int, leave: Callable[[int], Node]) -> Node:
    by_target: dict[int, list[Range]] = {}
    for span, target in automaton.moves[state]:
        by_target.setdefault(target, []).append(span)
    options: list[Node] = [Text('"')] if state in automaton.accepting else []
    for target, ranges in by_target.items():
        options.append(seq(json_char(ranges), leave(target)))
    return alt(*options)


_HEX_BUT_D = chars((0x30, 0x39), (0x41, 0x43), (0x45, 0x46), (0x61, 0x63), (0x65, 0x66))
# Never half of a surrogate pair: it is no character, and two of them would count as one.
_UNICODE = seq(
    Text("u"),
    alt(seq(_HEX_BUT_D, HEX), seq(one_of("dD"), chars((0x30, 0x37)))),
    Repeat(HEX, 2, 2),
)
STRING_CHAR = alt(chars(*_PLAIN), seq(Text("\\"), alt(one_of('"\\bfnrt'), _UNICODE)))
"""One character of any JSON string."""
