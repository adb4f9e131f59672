"""How many ways a grammar leaves open at once.

llama.cpp follows all of them for each token. Alternatives that begin alike are such ways; nested in one
another they multiply, in a circle without end. Alternatives that their first property tells apart are one
way from there on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sigmavault.core.grammar.gbnf import Alt, Chars, Node, Ref, Repeat, Rules, Seq, Text

MAX_WAYS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One alternative of a union.

    Attributes:
        part: number of the schema.
        node: its grammar.
        first: name and possible values of the property that an object of it begins with.
    """

    part: int
    node: Node
    first: tuple[str, frozenset[str] | None] | None


@dataclass(slots=True)
class Forks:
    """Which schema holds which, and where there are alternatives.

    Attributes:
        parts: per schema, the sets of schemas that may be open at once in it.
        places: where each schema is, for errors.
    """

    parts: list[list[tuple[int, ...]]] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    _unions: list[tuple[int, list[Option]]] = field(default_factory=list)
    _holders: list[list[int]] = field(default_factory=list)

    def new(self, place: str) -> int:
        """Number of a new schema."""
        self.parts.append([])
        self.places.append(place)
        return len(self.parts) - 1

    def holds(self, part: int, child: int) -> None:
        """A schema is part of another."""
        self.parts[part].append((child,))

    def either(self, part: int, options: list[Option]) -> None:
        """A schema is one of several."""
        self._unions.append((part, options))

    def find(self, rules: Rules) -> str | None:
        """Place of alternatives that leave too many ways open; None when all is well."""
        for part, options in self._unions:
            self.parts[part] += _alike(rules, options)
        for part, sets in enumerate(self.parts):
            forked = {each for several in sets if len(several) > 1 for each in several}
            if forked and forked & self._leading_to(part):
                return self.places[part]
        ways: dict[int, int] = {}
        worst = max(range(len(self.parts)), key=lambda part: self._ways(part, ways), default=None)
        return self.places[worst] if worst is not None and ways[worst] > MAX_WAYS else None

    def _leading_to(self, end: int) -> set[int]:
        """The schemas that hold a schema, however deep."""
        if not self._holders:
            self._holders = [[] for _ in self.parts]
            for part, sets in enumerate(self.parts):
                for child in (child for several in sets for child in several):
                    self._holders[child].append(part)
        seen, todo = {end}, [end]
        while todo:
            fresh = [each for each in self._holders[todo.pop()] if each not in seen]
            seen.update(fresh)
            todo += fresh
        return seen

    def _ways(self, start: int, ways: dict[int, int]) -> int:
        todo = [start]
        while todo:
            part = todo[-1]
            missing = [each for several in self.parts[part] for each in several if each not in ways]
            if part not in ways and missing:
                ways[part] = 1  # a circle without forks adds nothing
                todo += missing
                continue
            todo.pop()
            ways[part] = max((sum(ways[each] for each in several) for several in self.parts[part]), default=1)
        return ways[start]


def _alike(rules: Rules, options: list[Option]) -> list[tuple[int, ...]]:
    """Group alternatives that begin with the same character and are not told apart by a first property."""
    groups: list[tuple[set[str], list[Option]]] = []
    for option in options:
        begin, members = _begins(option.node, rules, set()), [option]
        for each in [each for each in groups if each[0] & begin]:
            groups.remove(each)
            begin, members = begin | each[0], [*each[1], *members]
        groups.append((begin, members))
    result: list[tuple[int, ...]] = []
    for _, members in groups:
        apart = all(_differ(left, right) for at, left in enumerate(members) for right in members[at + 1 :])
        result += [(each.part,) for each in members] if apart else [tuple(each.part for each in members)]
    return result


def _differ(left: Option, right: Option) -> bool:
    if left.first is None or right.first is None:
        return False
    if left.first[0] != right.first[0]:
        return True
    return left.first[1] is not None and right.first[1] is not None and not left.first[1] & right.first[1]


def _begins(node: Node, rules: Rules, seen: set[str]) -> set[str]:
    """The characters that a JSON value begins with."""
    match node:
        case Text(text):
            return {text[0]}
        case Chars(ranges):
            return {chr(point) for low, high in ranges for point in range(low, min(high, 0x7F) + 1)}
        case Ref(name):
            if name in seen or name not in rules.nodes:
                return set()
            seen.add(name)  # what it begins with is in the result already when it comes again
            return _begins(rules.nodes[name], rules, seen)
        case Alt(options):
            return {each for option in options for each in _begins(option, rules, seen)}
        case Repeat(item, _, _):
            return _begins(item, rules, seen)
        case Seq(parts):
            found: set[str] = set()
            for part in parts:
                found |= _begins(part, rules, seen)
                if not (isinstance(part, Repeat) and part.least == 0):
                    break
            return found
