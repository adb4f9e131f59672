"""Regular expressions of JSON schema (the regular part of ECMAScript's), as grammar nodes over characters.

Without what is not regular or depends on the place: look-around, back references, word boundaries, anchors
in the middle. Classes are ASCII, as in ECMAScript.
"""

from __future__ import annotations

from sigmavault.core.grammar.automaton import ANY_CHAR, invert
from sigmavault.core.grammar.gbnf import (
    DIGIT,
    EMPTY,
    MAX_REPEAT,
    Chars,
    Node,
    Range,
    Repeat,
    Text,
    alt,
    chars,
    seq,
)

MAX_LENGTH = 1000
_MAX_GROUPS = 50

_DIGITS = DIGIT.ranges
_WORD = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: tuple[Range, ...] = (
    *((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029)),
    *((0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
_LINE_ENDS = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_CLASSES: dict[str, tuple[Range, ...]] = {
    "d": _DIGITS,
    "D": invert(_DIGITS),
    "w": _WORD,
    "W": invert(_WORD),
    "s": _SPACE,
    "S": invert(_SPACE),
}
_CONTROLS = {"n": 0x0A, "r": 0x0D, "t": 0x09, "f": 0x0C, "v": 0x0B, "0": 0x00}
_SYNTAX = set("^$\\.*+?()[]{}|/-")
_ANYTHING = Repeat(Chars(ANY_CHAR), 0, None)


class PatternError(ValueError):
    """The pattern is wrong, or has something that is not regular; says what."""


def parse_pattern(pattern: str) -> Node:
    """All strings in which the pattern is found; anchors bind it to the ends.

    Raises:
        PatternError: it cannot be done faithfully.
    """
    if len(pattern) > MAX_LENGTH:
        raise PatternError(f"longer than {MAX_LENGTH} characters")
    parser = _Parser(pattern)
    node = parser.alternatives(top=True)
    if parser.at < len(pattern):
        raise PatternError(f"`)` at {parser.at} closes nothing")
    return node


class _Parser:
    """Recursive descent; `at` is the place of the next character."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self._depth = 0

    def _peek(self) -> str:
        return self.pattern[self.at] if self.at < len(self.pattern) else ""

    def _take(self) -> str:
        if self.at >= len(self.pattern):
            raise PatternError("ends too early")
        self.at += 1
        return self.pattern[self.at - 1]

    def alternatives(self, *, top: bool) -> Node:
        options = [self._sequence(top=top)]
        while self._peek() == "|":
            self.at += 1
            options.append(self._sequence(top=top))
        return alt(*options)

    def _sequence(self, *, top: bool) -> Node:
        parts: list[Node] = []
        bound_begin = bound_end = False
        if top and self._peek() == "^":
            self.at += 1
            bound_begin = True
        while (each := self._peek()) and each not in "|)":
            if top and each == "$" and self.pattern[self.at + 1 : self.at + 2] in ("", "|"):
                self.at += 1
                bound_end = True
                break
            parts.append(self._repeated(self._atom()))
        if not top:
            return seq(*parts)
        return seq(*([] if bound_begin else [_ANYTHING]), *parts, *([] if bound_end else [_ANYTHING]))

    def _atom(self) -> Node:
        each = self._take()
        match each:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case ".":
                return Chars(invert(_LINE_ENDS))
            case "\\":
                return Chars(self._escape())
            case "^" | "$":
                raise PatternError(f"anchor `{each}` at {self.at - 1}: only at the ends")
            case "*" | "+" | "?" | "{":
                raise PatternError(f"`{each}` at {self.at - 1} repeats nothing")
            case _:
                return Text(each)

    def _group(self) -> Node:
        if self._peek() == "?":
            if self.pattern[self.at : self.at + 2] != "?:":
                raise PatternError(f"look-around, name or option in the group at {self.at - 1}")
            self.at += 2
        self._depth += 1
        if self._depth > _MAX_GROUPS:
            raise PatternError(f"groups nested deeper than {_MAX_GROUPS}")
        node = self.alternatives(top=False)
        self._depth -= 1
        if self._peek() != ")":
            raise PatternError("a group is not closed")
        self.at += 1
        return node

    def _repeated(self, item: Node) -> Node:
        each = self._peek()
        if each not in ("*", "+", "?", "{"):
            return item
        self.at += 1
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(each) or self._counts()
        if self._peek() == "?":
            self.at += 1  # a lazy repetition matches the same strings
        if self._peek() in ("*", "+", "{"):
            raise PatternError(f"`{self._peek()}` at {self.at} repeats a repetition")
        if most == 0 or item == EMPTY:
            return EMPTY
        return Repeat(item, least, most)

    def _counts(self) -> tuple[int, int | None]:
        end = self.pattern.find("}", self.at)
        first, comma, second = self.pattern[self.at : end].partition(",") if end > 0 else ("", "", "")
        if not _is_count(first) or (second and not _is_count(second)):
            raise PatternError(f"`{{` at {self.at - 1} is no repetition")
        self.at = end + 1
        least = int(first)
        most = (int(second) if second else None) if comma else least
        if max(least, most or 0) > MAX_REPEAT:
            raise PatternError(f"more than {MAX_REPEAT} repetitions")
        if most is not None and most < least:
            raise PatternError(f"{{{least},{most}}} is the wrong way round")
        return least, most

    def _escape(self) -> tuple[Range, ...]:
        each = self._take()
        if each in _CLASSES:
            return _CLASSES[each]
        if each in _CONTROLS and not (each == "0" and self._peek().isdigit()):
            return _single(_CONTROLS[each])
        if each in ("x", "u"):
            return _single(self._hexadecimal(2 if each == "x" else 4))
        if each in _SYNTAX or (each.isascii() and not each.isalnum()):
            return _single(ord(each))
        raise PatternError(f"`\\{each}` at {self.at - 2}")

    def _hexadecimal(self, digits: int) -> int:
        text = self.pattern[self.at : self.at + digits]
        if len(text) < digits or not all(each in "0123456789abcdefABCDEF" for each in text):
            raise PatternError(f"{digits} hexadecimal digits are missing at {self.at}")
        self.at += digits
        if 0xD800 <= int(text, 16) <= 0xDFFF:
            raise PatternError(f"half a surrogate pair at {self.at - digits}")
        return int(text, 16)

    def _class(self) -> Node:
        negated = self._peek() == "^"
        self.at += negated
        ranges: list[Range] = []
        while self._peek() != "]":
            low = self._class_item()
            if self._peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self._class_item()
                if len(low) != 1 or len(high) != 1 or low[0][0] > high[0][1]:
                    raise PatternError(f"the range before {self.at} is none")
                low = ((low[0][0], high[0][1]),)
            ranges += low
        self.at += 1
        final = invert(ranges) if negated else chars(*ranges).ranges
        if not final:
            raise PatternError("a class without characters")
        return Chars(final)

    def _class_item(self) -> tuple[Range, ...]:
        each = self._take()
        if each != "\\":
            return _single(ord(each))
        if self._peek() == "b":
            self.at += 1
            return _single(0x08)
        return self._escape()


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6


def _single(point: int) -> tuple[Range, ...]:
    return ((point, point),)
