"""Reads GBNF and writes random texts that a grammar matches: what llama.cpp would let a model say."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

type Node = tuple[Any, ...]
"""Its kind, then: the text of text, chars and ref; the nodes of seq and alt; node and counts of times."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<name>[A-Za-z0-9-]+)\s*::=|(?P<text>"(?:[^"\\]|\\.)*")|(?P<chars>\[(?:[^\]\\]|\\.)*\])"""
    r"""|(?P<ref>[A-Za-z0-9-]+)|(?P<times>\{\d+(?:,\d*)?\}|[*+?])|(?P<mark>[()|]))"""
)
_ESCAPE = re.compile(r"\\(?:x(..)|u(....)|U(........)|(.))", re.DOTALL)
_NAMED = {"n": "\n", "r": "\r", "t": "\t"}


def _unescape(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        return chr(int(code, 16)) if code else _NAMED.get(match[4], match[4])

    return _ESCAPE.sub(one, text)


@dataclass
class Reader:
    """A grammar read from its text; nodes are tuples whose first item is their kind."""

    rules: dict[str, Node] = field(default_factory=dict)
    _least: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, gbnf: str) -> Reader:
        reader = cls()
        for line in gbnf.splitlines():
            tokens = list(_tokens(line))
            assert tokens[0][0] == "name", line
            node, rest = reader._alternatives(tokens[1:])
            assert not rest, line
            assert tokens[0][1] not in reader.rules, f"two rules {tokens[0][1]}"
            reader.rules[tokens[0][1]] = node
        reader._measure()
        return reader

    def _alternatives(self, tokens: list[tuple[str, str]]) -> tuple[Node, list[tuple[str, str]]]:
        options: list[Node] = []
        parts: list[Node] = []
        while tokens and tokens[0] != ("mark", ")"):
            kind, text = tokens.pop(0)
            if (kind, text) == ("mark", "|"):
                options.append(("seq", parts))
                parts = []
            elif (kind, text) == ("mark", "("):
                node, tokens = self._alternatives(tokens)
                assert tokens.pop(0) == ("mark", ")")
                parts.append(node)
            elif kind == "times":
                parts[-1] = ("times", parts[-1], *_counts(text))
            else:
                parts.append((kind, text))
        return ("alt", [*options, ("seq", parts)]), tokens

    def _measure(self) -> None:
        """Least depth of rules at which each rule ends; a rule without end never gets one."""
        for _ in self.rules:
            for name, node in self.rules.items():
                if (depth := self._depth(node)) is not None:
                    self._least[name] = min(depth + 1, self._least.get(name, depth + 1))
        assert self._least.keys() == self.rules.keys(), "rules without end"

    def _depth(self, node: Node) -> int | None:
        match node[0]:
            case "ref":
                assert node[1] in self.rules, f"no rule {node[1]}"
                return self._least.get(node[1])
            case "seq":
                depths = [self._depth(part) for part in node[1]]
                return (
                    None if None in depths else max((each for each in depths if each is not None), default=0)
                )
            case "alt":
                return min((d for part in node[1] if (d := self._depth(part)) is not None), default=None)
            case "times":
                return 0 if node[2] == 0 else self._depth(node[1])
        return 0

    def write(self, luck: random.Random, depth: int = 24) -> str:
        """A random text; from some depth on the shortest way out is taken."""
        return self._write(("ref", "root"), luck, depth)

    def _write(self, node: Node, luck: random.Random, depth: int) -> str:
        match node[0]:
            case "text":
                return _unescape(node[1][1:-1])
            case "chars":
                return _any_of(node[1], luck)
            case "ref":
                return self._write(self.rules[node[1]], luck, depth - 1)
            case "seq":
                return "".join(self._write(part, luck, depth) for part in node[1])
            case "alt":
                options = node[1]
                if depth <= 0:
                    least = min(d for each in options if (d := self._depth(each)) is not None)
                    options = [each for each in options if self._depth(each) == least]
                return self._write(luck.choice(options), luck, depth)
        _, item, least, most = node
        most = least + 4 if most is None else min(most, least + 4)
        times = least if depth <= 0 else luck.randint(least, most)
        return "".join(self._write(item, luck, depth) for _ in range(times))


def _tokens(line: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(line):
        match = _TOKEN.match(line, at)
        assert match, line[at:]
        at = match.end()
        assert match.lastgroup
        yield match.lastgroup, match[match.lastgroup]


def _counts(text: str) -> tuple[int, int | None]:
    if text in "*+?":
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[text]
    least, comma, most = text[1:-1].partition(",")
    return int(least), (int(most) if most else None) if comma else int(least)


def _ranges(text: str) -> list[tuple[str, str]]:
    inner = text[1:-1]
    assert not inner.startswith("^")
    parts = re.findall(r"(\\x..|\\u....|\\U.{8}|.)(?:-(\\x..|\\u....|\\U.{8}|.))?", inner)
    return [(_unescape(low), _unescape(high or low)) for low, high in parts]


def _any_of(text: str, luck: random.Random) -> str:
    low, high = luck.choice(_ranges(text))
    return chr(luck.randint(ord(low), ord(high)))


@dataclass
class Matcher:
    """Whether a text is one of a grammar's, by trying all ways."""

    reader: Reader
    text: str = ""
    _open: bool = False

    def matches(self, text: str) -> bool:
        self.text = text
        return len(text) in self._ends(("ref", "root"), 0)

    def may_begin(self, text: str) -> bool:
        """Whether a text of the grammar begins with this one."""
        self.text, self._open = text, True
        try:
            return -1 in self._ends(("ref", "root"), 0)
        finally:
            self._open = False

    def _ends(self, node: Node, at: int) -> set[int]:
        if self._open and (at == -1 or at >= len(self.text)):
            return {-1}
        match node[0]:
            case "text":
                literal = _unescape(node[1][1:-1])
                if self._open and literal.startswith(self.text[at:]):
                    return {-1}
                return {at + len(literal)} if self.text.startswith(literal, at) else set()
            case "chars":
                inside = at < len(self.text) and any(a <= self.text[at] <= b for a, b in _ranges(node[1]))
                return {at + 1} if inside else set()
            case "ref":
                return self._ends(self.reader.rules[node[1]], at)
            case "alt":
                return {end for part in node[1] for end in self._ends(part, at)}
            case "seq":
                ends = {at}
                for part in node[1]:
                    ends = {further for end in ends for further in self._ends(part, end)}
                return ends
        _, item, least, most = node
        reached = [{at}]
        while reached[-1] and (most is None or len(reached) <= most):
            reached.append({further for end in reached[-1] for further in self._ends(item, end)})
        return {end for ends in reached[least:] for end in ends}
