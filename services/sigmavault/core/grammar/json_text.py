"""The parts of JSON texts as grammar nodes: white space, strings, any value, objects, arrays, constants."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sigmavault.core.grammar.automaton import STRING_CHAR, add_string, other_than
from sigmavault.core.grammar.gbnf import EMPTY, Node, Ref, Repeat, Rules, Text, alt, one_of, optional, seq
from sigmavault.core.grammar.numeric import INTEGER, NUMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How the three constants are written; all else is the same in JSON and in Python.

    Attributes:
        mark: in the names of rules that depend on it: one grammar may have both.
    """

    true: str = "true"
    false: str = "false"
    null: str = "null"
    mark: str = ""


JSON = Dialect()
PYTHON = Dialect(true="True", false="False", null="None", mark="py-")

# Bounded: a small model goes on with line breaks for ever where it may.
_SPACE = optional(alt(Text(" "), seq(Text("\n"), Repeat(one_of(" "), 0, 20))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property of an object: its name, its value, whether it must be there."""

    name: str
    value: Node
    required: bool


def space(rules: Rules) -> Ref:
    """A space, a line break with up to 20 spaces, or nothing."""
    return rules.once("space", _SPACE)


def string(rules: Rules) -> Ref:
    """Any string."""
    char = rules.once("char", STRING_CHAR)
    return rules.once("string", seq(Text('"'), Repeat(char, 0, None), Text('"')))


def string_of_length(rules: Rules, least: int, most: int | None) -> Node:
    """A string of so many characters."""
    char = rules.once("char", STRING_CHAR)
    inner = EMPTY if most == 0 else Repeat(char, least, most)
    return rules.add("string", seq(Text('"'), inner, Text('"')))


def integer(rules: Rules) -> Ref:
    """Any whole number of up to 15 digits."""
    return rules.once("integer", INTEGER)


def number(rules: Rules) -> Ref:
    """Any number."""
    return rules.once("number", NUMBER)


def boolean(rules: Rules, dialect: Dialect) -> Ref:
    """True or false."""
    return rules.once(f"{dialect.mark}boolean", alt(Text(dialect.true), Text(dialect.false)))


def any_object(rules: Rules, dialect: Dialect) -> Ref:
    """Any object."""
    name = f"{dialect.mark}any-object"
    if name in rules.nodes:
        return Ref(name)
    pair = seq(string(rules), Text(":"), space(rules), any_value(rules, dialect))
    listed = _listed(rules, "{", rules.once(f"{dialect.mark}any-pair", pair), "}", 0, None)
    return rules.once(name, listed)


def any_array(rules: Rules, dialect: Dialect) -> Ref:
    """Any array."""
    listed = _listed(rules, "[", any_value(rules, dialect), "]", 0, None)
    return rules.once(f"{dialect.mark}any-array", listed)


def any_value(rules: Rules, dialect: Dialect) -> Ref:
    """Any value."""
    name = Ref(f"{dialect.mark}any")
    if name.name not in rules.nodes:
        rules.nodes[name.name] = EMPTY  # holds the name while the value's parts name it
        rules.nodes[name.name] = alt(
            any_object(rules, dialect),
            any_array(rules, dialect),
            string(rules),
            number(rules),
            boolean(rules, dialect),
            Text(dialect.null),
        )
    return name


def _listed(rules: Rules, begin: str, item: Node, end: str, least: int, most: int | None) -> Node:
    gap = space(rules)
    if most == 0:
        return seq(Text(begin), gap, Text(end))
    further = rules.add("further", seq(Text(","), gap, item))
    rest = Repeat(further, max(0, least - 1), None if most is None else most - 1) if most != 1 else EMPTY
    filled = seq(item, rest, gap)
    return seq(Text(begin), gap, filled if least else optional(filled), Text(end))


def array(rules: Rules, stem: str, item: Node, least: int, most: int | None) -> Ref:
    """An array of so many like items."""
    return rules.add(stem, _listed(rules, "[", item, "]", least, most))


def tuple_of(
    rules: Rules, stem: str, items: Sequence[Node], further: Node | None, least: int, most: int | None
) -> Ref:
    """An array whose first items have a form each; `further` is that of those behind them."""
    gap = space(rules)
    count = len(items) if most is None else min(most, len(items))
    rest: Node = EMPTY
    if further is not None and (most is None or most > len(items)):
        more = rules.add("further", seq(Text(","), gap, further))
        rest = Repeat(more, max(0, least - len(items)), None if most is None else most - len(items))
    for at in range(count - 1, 0, -1):
        item = seq(Text(","), gap, items[at], rest)
        rest = item if at < least else optional(rules.add(stem, item))
    filled = seq(items[0], rest, gap) if count else EMPTY
    inner = filled if least or not count else optional(rules.add(stem, filled))
    return rules.add(stem, seq(Text("["), gap, inner, Text("]")))


def key(name: str) -> Text:
    """A property's name and the colon."""
    return Text(f"{json.dumps(name, ensure_ascii=False)}:")


def extra_pair(rules: Rules, stem: str, taken: Sequence[str], value: Node) -> Ref:
    """A property of any name that is not taken."""
    rules.work.spend(8 * sum(map(len, taken)))
    name = add_string(rules, stem, other_than(taken)) if taken else string(rules)
    return rules.add(stem, seq(name, Text(":"), space(rules), value))


def object_of(
    rules: Rules, stem: str, properties: Sequence[Property], extra: Ref | None, *, call: bool = False
) -> Ref:
    """An object with these properties in this order, and behind them any number of extra ones.

    Args:
        rules: that it is added to.
        stem: of the rules' names.
        properties: in order.
        extra: name and value of a further one.
        call: write it as the arguments of a call in Python: `(a=1, b=2)`.
    """
    gap, begin, end = space(rules), Text("(" if call else "{"), Text(")" if call else "}")
    further = EMPTY if extra is None else Repeat(rules.add(stem, seq(Text(","), gap, extra)), 0, None)
    more = seq(further, gap, end)
    first: Node = end if extra is None else alt(end, seq(extra, more))
    only_required = all(each.required for each in properties)
    for each in reversed(properties):
        pair = seq(Text(f"{each.name}="), each.value) if call else seq(key(each.name), gap, each.value)
        if only_required:
            first, more = seq(pair, more), seq(Text(","), gap, pair, more)
            continue
        rest = rules.add(stem, more)
        skipped = first if isinstance(first, Text) else rules.add(stem, first)
        first = seq(pair, rest) if each.required else alt(seq(pair, rest), skipped)
        more = seq(Text(","), gap, pair, rest)
        more = more if each.required else alt(more, rest)
    return rules.add(stem, seq(begin, gap, first))


def literal(value: Any, dialect: Dialect) -> str:
    """A constant as text; the same one as JSON's encoder writes, but for the dialect."""
    if isinstance(value, bool):
        return dialect.true if value else dialect.false
    if value is None:
        return dialect.null
    if isinstance(value, Mapping):
        pairs = (f"{literal(str(name), dialect)}: {literal(each, dialect)}" for name, each in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(each, dialect) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
