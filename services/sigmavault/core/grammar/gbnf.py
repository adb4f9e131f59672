"""Grammars as values, and their text in GBNF, llama.cpp's notation.

Never here: what a grammar means (JSON, tool calls).

llama.cpp reads a grammar in the model's process and ends that process when it comes to a place where no
token is legal. So a grammar that leaves this package has an end from everywhere: `Rules.endless` finds
the rules that have none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

MAX_REPEAT = 2000
"""llama.cpp refuses a larger count where it is a minimum, and forgets it where it is a maximum."""

MAX_WORK = 1_000_000
"""Units of `Work` for all patterns and bounds of one grammar: half a second."""

type Range = tuple[int, int]
"""First and last code point."""


@dataclass(frozen=True, slots=True)
class Text:
    """These characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of these ranges; sorted, not touching."""

    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """Whatever the rule of this name matches."""

    name: str


@dataclass(frozen=True, slots=True)
class Seq:
    """One after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """One of these."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """An item `least` to `most` times; without `most`: any number. The item is never empty."""

    item: Node
    least: int
    most: int | None


type Node = Text | Chars | Ref | Seq | Alt | Repeat

EMPTY = Text("")


def seq(*parts: Node) -> Node:
    """The parts in order, without nesting and without empty ones."""
    flat: list[Node] = []
    for part in parts:
        for each in part.parts if isinstance(part, Seq) else (part,):
            if isinstance(each, Text) and flat and isinstance(flat[-1], Text):
                flat[-1] = Text(flat[-1].text + each.text)
            elif each != EMPTY:
                flat.append(each)
    return flat[0] if len(flat) == 1 else Seq(tuple(flat)) if flat else EMPTY


def alt(*options: Node) -> Node:
    """One of the options, each once."""
    flat: dict[Node, None] = {}
    for option in options:
        flat.update(dict.fromkeys(option.options if isinstance(option, Alt) else (option,)))
    return next(iter(flat)) if len(flat) == 1 else Alt(tuple(flat))


def chars(*ranges: Range) -> Chars:
    """A class of characters; the ranges may overlap."""
    merged: list[Range] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return Chars(tuple(merged))


def one_of(characters: str) -> Chars:
    """A class of single characters."""
    return chars(*((ord(each), ord(each)) for each in characters))


def optional(node: Node) -> Node:
    """The node, or nothing."""
    return Repeat(node, 0, 1)


DIGIT = chars((0x30, 0x39))
HEX = chars((0x30, 0x39), (0x41, 0x46), (0x61, 0x66))


def _code(point: int) -> str:
    if point < 0x80 and chr(point).isalnum():
        return chr(point)
    if point <= 0xFF:
        return f"\\x{point:02X}"
    return f"\\u{point:04X}" if point <= 0xFFFF else f"\\U{point:08X}"


def _literal(text: str) -> str:
    plain = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return "".join(plain.get(each) or (each if " " <= each <= "~" else _code(ord(each))) for each in text)


def _times(least: int, most: int | None) -> str:
    known = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    if (least, most) in known:
        return known[least, most]
    if most is None:
        return f"{{{least},}}"
    return f"{{{least}}}" if least == most else f"{{{least},{most}}}"


def _render(node: Node, *, inside: bool) -> str:
    match node:
        case Text(text):
            return f'"{_literal(text)}"'
        case Chars(ranges):
            return "[" + "".join(_code(a) if a == b else f"{_code(a)}-{_code(b)}" for a, b in ranges) + "]"
        case Ref(name):
            return name
        case Repeat(item, least, most):
            text = _render(item, inside=True)
            text = f"({text})" if isinstance(item, Repeat) else text
            return text + _times(least, most)
        case Seq(parts):
            text = " ".join(_render(part, inside=True) for part in parts)
        case Alt(options):
            text = " | ".join(_render(option, inside=isinstance(option, Alt)) for option in options)
    return f"({text})" if inside else text


def walk(node: Node) -> Iterator[Node]:
    """A node and all in it."""
    todo = [node]
    while todo:
        each = todo.pop()
        yield each
        match each:
            case Seq(parts) | Alt(parts):
                todo.extend(parts)
            case Repeat(item, _, _):
                todo.append(item)
            case _:
                pass


class TooLargeError(ValueError):
    """It would take too much work, or have too many states."""


@dataclass(slots=True)
class Work:
    """What may still be done for one grammar; a unit is about half a microsecond.

    Attributes:
        left: units.
    """

    left: int = MAX_WORK

    def spend(self, units: int) -> None:
        """Count work before or while it is done.

        Raises:
            TooLargeError: it is too much.
        """
        self.left -= units
        if self.left < 0:
            raise TooLargeError


@dataclass(slots=True)
class Rules:
    """Named rules under construction.

    Attributes:
        nodes: what each rule matches.
        work: what may still be done for them.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    work: Work = field(default_factory=Work)
    _numbers: dict[str, int] = field(default_factory=dict)

    def name(self, stem: str) -> str:
        """A rule name that nobody has: letters, digits and `-`."""
        clean = "".join(each if each.isascii() and each.isalnum() else "-" for each in stem[:32])
        clean = clean.strip("-") or "rule"
        number = self._numbers.get(clean, 0)
        self._numbers[clean] = number + 1
        return f"{clean}-{number}"

    def add(self, stem: str, node: Node) -> Ref:
        """A new rule."""
        name = self.name(stem)
        self.nodes[name] = node
        return Ref(name)

    def once(self, name: str, node: Node) -> Ref:
        """A rule of a fixed name (without number), made at the first call."""
        self.nodes.setdefault(name, node)
        return Ref(name)

    def repeat(self, stem: str, item: Node, least: int, most: int | None) -> Node:
        """An item repeated; behind a rule of its own, so that llama.cpp counts it as one."""
        if most == 0:
            return EMPTY
        whole = item if isinstance(item, Text | Chars | Ref) else self.add(stem, item)
        return Repeat(whole, least, most)

    def endless(self) -> list[str]:
        """The rules that match no finite text, and those that name a rule that is not there."""
        done = self._closed(_ends)
        missing = {
            each.name for node in self.nodes.values() for each in walk(node) if isinstance(each, Ref)
        } - set(self.nodes)
        return [*(name for name in self.nodes if name not in done), *sorted(missing)]

    def _closed(self, holds: Callable[[Node, set[str]], bool]) -> set[str]:
        """The rules of which something holds, where that follows from the rules of which it holds."""
        found: set[str] = set()
        todo = list(self.nodes.items())
        grown = True
        while grown:
            todo.reverse()  # a rule mostly names later ones: one round does for a long chain
            before = len(found)
            for name, node in todo:
                if holds(node, found):
                    found.add(name)
            grown = len(found) > before
            todo = [each for each in todo if each[0] not in found]
        return found

    def circle(self) -> str | None:
        """A rule that may begin with itself, if there is one: llama.cpp refuses those."""
        empty = self._closed(_is_empty)
        first = {name: list(_leading(node, empty)) for name, node in self.nodes.items()}
        done: set[str] = set()
        for start in self.nodes:
            path, todo = [start], [iter(first[start])]
            open_rules = {start}
            while todo and start not in done:
                step = next(todo[-1], None)
                if step is None:
                    todo.pop()
                    done.add(path[-1])
                    open_rules.discard(path.pop())
                elif step in open_rules:
                    return step
                elif step not in done:
                    path.append(step)
                    open_rules.add(step)
                    todo.append(iter(first.get(step, [])))
        return None

    def repetitions(self) -> int:
        """How many rules llama.cpp makes for the counted repetitions."""
        return sum(
            each.most or each.least
            for node in self.nodes.values()
            for each in walk(node)
            if isinstance(each, Repeat)
        )

    def render(self, root: Node) -> str:
        """The whole grammar as text."""
        lines = [f"root ::= {_render(root, inside=False)}"]
        lines += (f"{name} ::= {_render(node, inside=False)}" for name, node in self.nodes.items())
        return "\n".join(lines) + "\n"


def _ends(node: Node, done: set[str]) -> bool:
    match node:
        case Text() | Chars():
            return True
        case Ref(name):
            return name in done
        case Seq(parts):
            return all(_ends(part, done) for part in parts)
        case Alt(options):
            return any(_ends(option, done) for option in options)
        case Repeat(item, least, _):
            return least == 0 or _ends(item, done)


def _is_empty(node: Node, empty: set[str]) -> bool:
    """Whether a node may match nothing."""
    match node:
        case Text(text):
            return not text
        case Chars():
            return False
        case Ref(name):
            return name in empty
        case Seq(parts):
            return all(_is_empty(part, empty) for part in parts)
        case Alt(options):
            return any(_is_empty(option, empty) for option in options)
        case Repeat(item, least, _):
            return least == 0 or _is_empty(item, empty)


def _leading(node: Node, empty: set[str]) -> Iterator[str]:
    """The rules that a node may begin with."""
    match node:
        case Ref(name):
            yield name
        case Seq(parts):
            for part in parts:
                yield from _leading(part, empty)
                if not _is_empty(part, empty):
                    break
        case Alt(options):
            for option in options:
                yield from _leading(option, empty)
        case Repeat(item, _, _):
            yield from _leading(item, empty)
        case _:
            pass
