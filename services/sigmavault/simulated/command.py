"""One command that a simulated machine is given, and how it refuses."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sigmavault.simulated.state import State


class RefusalError(Exception):
    """A program ends with an error; it never leaves the simulated machine."""

    def __init__(self, message: str, status: int = 1, stdout: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.stdout = stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A command line, and what it works on."""

    argv: tuple[str, ...]
    stdin: str
    state: State
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A command line in getopt's manner, taken apart.

    Attributes:
        flags: short options without their `-`, one letter each, and long ones without `--`.
        values: options that have a value; each may come several times.
        names: what is left: everything after `--`, and words that are no options.
    """

    flags: frozenset[str]
    values: dict[str, list[str]]
    names: tuple[str, ...]


def line(words: Collection[str], with_value: str, *, long_with_value: Collection[str] = ()) -> Line:
    """Take options and names apart.

    Args:
        words: after program and subcommand.
        with_value: letters of the short options that take a value.
        long_with_value: long options whose value is the next word.

    Raises:
        RefusalError: a value is missing.
    """
    flags: set[str] = set()
    values: dict[str, list[str]] = {}
    names: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return Line(flags=frozenset(flags), values=values, names=(*names, *rest))
        if word.startswith("--"):
            key, has_value, value = word[2:].partition("=")
            flags.add(key)
            if key in long_with_value and rest and not has_value:
                has_value, value = "=", rest.pop(0)
            if has_value:
                values.setdefault(key, []).append(value)
        elif word.startswith("-") and len(word) > 1:
            rest = _short(word[1:], rest, with_value, flags, values)
        else:
            names.append(word)
    return Line(flags=frozenset(flags), values=values, names=tuple(names))


def _short(
    letters: str, rest: list[str], with_value: str, flags: set[str], values: dict[str, list[str]]
) -> list[str]:
    for at, letter in enumerate(letters):
        if letter not in with_value:
            flags.add(letter)
            continue
        value = letters[at + 1 :]
        if not value:
            if not rest:
                raise RefusalError(f"option requires an argument -- '{letter}'", 2)
            value, rest = rest[0], rest[1:]
        values.setdefault(letter, []).append(value)
        break
    return rest
