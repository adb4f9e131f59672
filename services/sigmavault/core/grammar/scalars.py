"""Strings, numbers and constants of a schema."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from sigmavault.core.grammar import json_text
from sigmavault.core.grammar.automaton import (
    Automaton,
    add_string,
    among,
    determinize,
    is_empty,
    limit_length,
    longest,
)
from sigmavault.core.grammar.gbnf import MAX_REPEAT, Node, Rules, Text, TooLargeError, Work, alt
from sigmavault.core.grammar.json_text import Dialect, literal
from sigmavault.core.grammar.keywords import Refuse, Schema
from sigmavault.core.grammar.numeric import Bounds, BoundsError, numbers, whole_numbers
from sigmavault.core.grammar.pattern import PatternError, parse_pattern

MAX_ENUM = 1000
_BOUNDS_WORK = 2000
"""Of a number within bounds."""

_DAY = r"((0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
_DATE = rf"[12]\d{{3}}-{_DAY}"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
_CLOCK = r"(\d{1,4}H(\d{1,2}M(\d{1,2}S)?)?|\d{1,4}M(\d{1,2}S)?|\d{1,4}S)"
_BYTE = r"(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL}){{0,5}}"

FORMATS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f"{_DATE}T{_TIME}",
    "duration": rf"P(\d{{1,4}}[DW]|(\d{{1,4}}D)?T{_CLOCK})",
    "email": rf"[A-Za-z0-9_+-]{{1,30}}(\.[A-Za-z0-9_+-]{{1,30}}){{0,2}}@{_LABEL}(\.{_LABEL}){{1,3}}",
    "hostname": _HOST,
    "ipv4": rf"{_BYTE}(\.{_BYTE}){{3}}",
    "ipv6": r"[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}",
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}
"""What of each format is written; 29 February is not, nor an IPv6 address with `::`."""


@cache
def _format(name: str) -> Automaton:
    return determinize(parse_pattern(f"^({FORMATS[name]})$"), Work())


def count(schema: Schema, keyword: str, refuse: Refuse, *, most: int = MAX_REPEAT) -> int | None:
    """A keyword whose value counts something; None when it is not there."""
    value = schema.get(keyword)
    if value is None and keyword not in schema:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value != value // 1:
        refuse(keyword, "is no count")
    if value > most:
        refuse(keyword, f"is more than {most}")
    return int(value)


def string_of(rules: Rules, stem: str, schema: Schema, refuse: Refuse) -> Node:
    """A string as the schema wants it."""
    least = count(schema, "minLength", refuse) or 0
    most = count(schema, "maxLength", refuse)
    if most is not None and most < least:
        refuse("maxLength", "is less than minLength")
    if "pattern" not in schema and "format" not in schema:
        plain = not least and most is None
        return json_text.string(rules) if plain else json_text.string_of_length(rules, least, most)
    keyword = "pattern" if "pattern" in schema else "format"
    automaton = (
        _pattern(schema["pattern"], rules.work, refuse)
        if keyword == "pattern"
        else _named(schema["format"], refuse)
    )
    if keyword == "pattern" and "format" in schema:
        refuse("pattern", "cannot hold together with `format`")
    top = longest(automaton)
    most = None if most is not None and top is not None and top <= most else most
    try:
        bounded = least or most is not None
        fitting = limit_length(automaton, least, most, rules.work) if bounded else automaton
    except TooLargeError:
        refuse(keyword, "is too complex together with a length")
    if is_empty(fitting):
        refuse(keyword, "matches no string of the wanted length")
    return add_string(rules, stem, fitting)


def _pattern(pattern: Any, work: Work, refuse: Refuse) -> Automaton:
    if not isinstance(pattern, str):
        refuse("pattern", "is no text")
    try:
        work.spend(20 * len(pattern))
        return determinize(parse_pattern(pattern), work)
    except PatternError as error:
        refuse("pattern", str(error))
    except TooLargeError:
        refuse("pattern", "is too complex")


def _named(name: Any, refuse: Refuse) -> Automaton:
    if not isinstance(name, str) or name not in FORMATS:
        refuse("format", f"`{str(name)[:40]}` is none of {', '.join(FORMATS)}")
    return _format(name)


def _bound(schema: Schema, keyword: str, refuse: Refuse) -> Fraction | None:
    if keyword not in schema:
        return None
    value = schema[keyword]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        refuse(keyword, "is no number")
    if value and not 1e-12 < abs(value) < 1e30:
        refuse(keyword, "is too large or too small")
    return Fraction(Decimal(repr(value)))


def _bounds(schema: Schema, refuse: Refuse) -> Bounds | None:
    least, above = _bound(schema, "minimum", refuse), _bound(schema, "exclusiveMinimum", refuse)
    most, below = _bound(schema, "maximum", refuse), _bound(schema, "exclusiveMaximum", refuse)
    if least is most is above is below is None:
        return None
    low = max((each for each in (least, above) if each is not None), default=None)
    high = min((each for each in (most, below) if each is not None), default=None)
    return Bounds(
        least=low,
        most=high,
        above=above is not None and above == low,
        below=below is not None and below == high,
    )


def number_of(rules: Rules, stem: str, schema: Schema, refuse: Refuse, *, whole: bool) -> Node:
    """A number as the schema wants it."""
    if "multipleOf" in schema and not (whole and schema["multipleOf"] == 1):
        refuse("multipleOf", "cannot be put into a grammar")
    bounds = _bounds(schema, refuse)
    if bounds is None:
        return json_text.integer(rules) if whole else json_text.number(rules)
    try:
        rules.work.spend(_BOUNDS_WORK)
        return rules.add(stem, whole_numbers(bounds) if whole else numbers(bounds))
    except BoundsError as error:
        named = [each for each in schema if each.lower().endswith(("minimum", "maximum"))]
        refuse(named[0], str(error))


def constants_of(rules: Rules, stem: str, values: Sequence[Any], dialect: Dialect, refuse: Refuse) -> Node:
    """One of these values."""
    texts: dict[str, None] = {}
    others: list[Node] = []
    for value in values:
        try:
            text = literal(value, dialect)
            text.encode()
        except ValueError:
            refuse("enum", "has a value that is no JSON text")
        if isinstance(value, str):
            texts[value] = None
        else:
            others.append(Text(text))
    if len(texts) == 1:
        others.append(Text(literal(next(iter(texts)), dialect)))
    elif texts:
        rules.work.spend(4 * sum(map(len, texts)))
        others.append(add_string(rules, stem, among(texts)))
    return rules.add(stem, alt(*others))
