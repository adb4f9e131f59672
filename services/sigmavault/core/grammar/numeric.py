"""Numbers within bounds, as grammar nodes over their decimal digits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from sigmavault.core.grammar.gbnf import DIGIT, EMPTY, Node, Repeat, Text, alt, chars, one_of, optional, seq

MAX_DIGITS = 15
"""Of a whole number: what every reader of JSON holds exactly."""
_LARGEST = 10**MAX_DIGITS - 1
_BOUNDED_DIGITS = 9
_FRACTION_DIGITS = 6
"""With bounds: 9 digits before the point and 6 behind it are exact enough in a double to stay inside."""

_NATURAL = alt(Text("0"), seq(chars((0x31, 0x39)), Repeat(DIGIT, 0, MAX_DIGITS - 1)))
INTEGER: Node = alt(
    Text("0"), seq(optional(Text("-")), chars((0x31, 0x39)), Repeat(DIGIT, 0, MAX_DIGITS - 1))
)
"""Any whole number of up to 15 digits."""
NUMBER: Node = seq(
    optional(Text("-")),
    _NATURAL,
    optional(seq(Text("."), Repeat(DIGIT, 1, MAX_DIGITS))),
    # Two digits: never beyond what a double holds.
    optional(seq(one_of("eE"), optional(one_of("+-")), Repeat(DIGIT, 1, 2))),
)
"""Any number."""


class BoundsError(ValueError):
    """The bounds leave nothing, or cannot be expressed; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Least and greatest value; None: no bound.

    Attributes:
        least: the least value.
        most: the greatest value.
        above: the value must be greater than `least`.
        below: the value must be less than `most`.
    """

    least: Fraction | None = None
    most: Fraction | None = None
    above: bool = False
    below: bool = False


def whole_numbers(bounds: Bounds) -> Node:
    """All whole numbers within bounds, as far as they have at most 15 digits.

    Raises:
        BoundsError: there is none.
    """
    low, high = -_LARGEST, _LARGEST
    if bounds.least is not None:
        least = -(-bounds.least // 1)
        low = max(low, least + 1 if bounds.above and least == bounds.least else least)
    if bounds.most is not None:
        most = bounds.most // 1
        high = min(high, most - 1 if bounds.below and most == bounds.most else most)
    if low > high:
        raise BoundsError(f"no whole number of at most {MAX_DIGITS} digits lies within")
    return _whole(low, high)


def _whole(low: int, high: int) -> Node:
    options: list[Node] = []
    if low < 0:
        options.append(seq(Text("-"), _naturals(max(1, -high), -low)))
    if high >= 0:
        options.append(_naturals(max(0, low), high))
    return alt(*options)


def _naturals(low: int, high: int) -> Node:
    options = []
    for length in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 10 ** (length - 1) if length > 1 else 0)
        options.append(_between(str(first), str(min(high, 10**length - 1))))
    return alt(*options)


def _between(low: str, high: str) -> Node:
    """The digit strings between two of the same length."""
    if not low:
        return EMPTY
    if low == "0" * len(low) and high == "9" * len(high):
        return Repeat(DIGIT, len(low), len(low)) if len(low) > 1 else DIGIT
    first, last = int(low[0]), int(high[0])
    if first == last:
        return seq(Text(low[0]), _between(low[1:], high[1:]))
    rest = len(low) - 1
    options: list[Node] = []
    if low[1:] != "0" * rest:
        options.append(seq(Text(low[0]), _between(low[1:], "9" * rest)))
        first += 1
    full_end = high[1:] == "9" * rest
    if first <= (end := last if full_end else last - 1):
        digits = chars((0x30 + first, 0x30 + end))
        options.append(seq(digits, Repeat(DIGIT, rest, rest)) if rest else digits)
    if not full_end:
        options.append(seq(Text(high[0]), _between("0" * rest, high[1:])))
    return alt(*options)


def numbers(bounds: Bounds) -> Node:
    """Numbers within bounds, written without exponent: 9 digits before the point, 6 behind it.

    Raises:
        BoundsError: there is none, or a bound has more digits than that.
    """
    limit = Fraction(10**_BOUNDED_DIGITS - 1)
    for each in (bounds.least, bounds.most):
        if each is not None and (abs(each) > limit or (each * 10**_FRACTION_DIGITS).denominator != 1):
            raise BoundsError(
                f"a bound of a number has at most {_BOUNDED_DIGITS} digits before the point and "
                f"{_FRACTION_DIGITS} behind it"
            )
    unit = 10**_FRACTION_DIGITS
    low = int((-limit if bounds.least is None else bounds.least) * unit)
    high = int((limit if bounds.most is None else bounds.most) * unit)
    low += bounds.above and bounds.least is not None
    high -= bounds.below and bounds.most is not None
    if low > high:
        raise BoundsError("no number lies within")
    options: list[Node] = []
    if low < 0:
        options.append(seq(Text("-"), _decimals(max(1, -high), -low)))
    if high >= 0:
        options.append(_decimals(max(0, low), high))
    return alt(*options)


def _decimals(low: int, high: int) -> Node:
    """Decimals between two, both in millionths and not negative."""
    unit = 10**_FRACTION_DIGITS
    whole_low, part_low = divmod(low, unit)
    whole_high, part_high = divmod(high, unit)
    if whole_low == whole_high:
        return seq(Text(str(whole_low)), _fraction(part_low, part_high))
    options: list[Node] = []
    if part_low:
        options.append(seq(Text(str(whole_low)), _fraction(part_low, unit - 1)))
        whole_low += 1
    if part_high < unit - 1:
        options.append(seq(Text(str(whole_high)), _fraction(0, part_high)))
        whole_high -= 1
    if whole_low <= whole_high:
        options.append(seq(_naturals(whole_low, whole_high), _fraction(0, unit - 1)))
    return alt(*options)


def _fraction(low: int, high: int) -> Node:
    """A point and up to six digits between two counts of millionths; nothing where zero is among them."""
    unit = 10**_FRACTION_DIGITS
    digits: Node
    if (low, high) == (0, unit - 1):
        return optional(seq(Text("."), Repeat(DIGIT, 1, _FRACTION_DIGITS)))
    digits = _digits(f"{low:06d}", f"{high:06d}")
    return optional(seq(Text("."), digits)) if low == 0 else seq(Text("."), digits)


def _digits(low: str, high: str, *, first: bool = True) -> Node:
    """Digits behind the point, zeros at the end left out at will, between two of six digits."""
    if not low:
        return EMPTY
    rest = len(low) - 1
    if low == "0" * len(low) and high == "9" * len(high):
        return Repeat(DIGIT, 1 if first else 0, len(low))
    begin, end = int(low[0]), int(high[0])
    options: list[Node] = []
    if begin == end:
        options.append(seq(Text(low[0]), _digits(low[1:], high[1:], first=False)))
    else:
        if low[1:] != "0" * rest:
            options.append(seq(Text(low[0]), _digits(low[1:], "9" * rest, first=False)))
            begin += 1
        full_end = high[1:] == "9" * rest
        if begin <= (last := end if full_end else end - 1):
            options.append(seq(chars((0x30 + begin, 0x30 + last)), Repeat(DIGIT, 0, rest) if rest else EMPTY))
        if not full_end:
            options.append(seq(Text(high[0]), _digits("0" * rest, high[1:], first=False)))
    if not first and low == "0" * len(low):
        options = [each for each in options if each != EMPTY]
        return optional(alt(*options))
    return alt(*options)
