"""Arguments that nobody means well with, a machine that refuses everything, and one that is only asked."""

from __future__ import annotations

import operator
import string
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from sigmavault.core.errors import CommandError
from sigmavault.core.operation import Arguments
from sigmavault.core.operation.shape import Form, Shape, shapes
from sigmavault.core.process import Result
from sigmavault.simulated.machine import SimulatedMachine

EVIL = (
    "", "-", "--", "-rf", "-oX", "--help", "-f tank", "a b", " a", "a ", "@", "tank@", "@x", "tank@a@b", ".",
    "..",
    "../..", "tank/../x", "/", "tank/", "//", "/etc/passwd", "tank//x", "x" * 10_240, "tank/" * 2_048,
    "名前", "tank/ñ", "tank/e\u0301", "\u202ekcehc", "\ufeff", "a\nb", "tank\n", "a\rb", "a\tb", "a\0b",
    "\x1b[2J",
    "$(reboot)", "`reboot`", ";reboot", "tank;reboot", "|sh", "&", ">x", "'", '"', "\\", "%n%s", "{}", "*",
    "~",
    "[global]", "path = /", "mirror", "raidz1", "log", "c0t0d0", "none", "null", "0", "-1", "on", "feature@x",
    "\ud800",
)  # fmt: skip
"""Texts, none of them an option of our own commands; the last is half of a character, which JSON spells."""

NUMBERS = (-(2**70), -1, 0, 1, 3, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**70)
_CAPITALS = string.ascii_uppercase
_OPTIONS = st.text(_CAPITALS, min_size=2, max_size=3).map("-{}".format)  # a regular expression is slow
_TEXTS = st.one_of(st.sampled_from(EVIL), st.text(max_size=30), _OPTIONS, _OPTIONS.map("{}=a".format))
_ANYTHING = st.one_of(
    st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from((0.5, -1e308)), _TEXTS,
    st.lists(_TEXTS, max_size=3), st.dictionaries(_TEXTS, _TEXTS, max_size=2),
)  # fmt: skip


def argument_sets(kind: type[Arguments], known: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects, some of which are right.

    Args:
        kind: the arguments.
        known: names of what is there on the machine.
    """
    fields = shapes(kind)
    hostile = {each.name: _hostile(each, known) for each in fields}
    right = {each.name: _right(each, known) for each in fields if each.is_required}
    more = {each.name: _right(each, known) for each in fields if not each.is_required}
    return st.one_of(
        st.fixed_dictionaries(right, optional=more),
        st.fixed_dictionaries(right, optional={name: hostile[name] for name in more}),
        st.fixed_dictionaries({}, optional=hostile),
        st.dictionaries(_TEXTS, _ANYTHING, max_size=2),
    )


def _right(shape: Shape, known: Sequence[str]) -> st.SearchStrategy[Any]:
    values = [
        each
        for example in shape.examples
        for each in (example if shape.is_many and isinstance(example, list | tuple) else [example])
    ]
    one: st.SearchStrategy[Any]
    if shape.choices:
        one = st.sampled_from(shape.choices)
    elif shape.form is Form.FLAG:
        one = st.booleans()
    elif shape.form is Form.TEXT:
        one = st.sampled_from((*values, *known))
    elif shape.form is Form.PAIRS:
        return st.sampled_from(shape.examples or ({},))
    else:
        one = st.sampled_from((*values, 0, 1, 10**10))
    return st.lists(one, min_size=shape.least, max_size=4) if shape.is_many else one


def _hostile(shape: Shape, known: Sequence[str]) -> st.SearchStrategy[Any]:
    texts = st.one_of(_TEXTS, st.builds(operator.add, st.sampled_from(known), _TEXTS))
    one = texts if shape.form is Form.TEXT else _ANYTHING
    if shape.form is Form.PAIRS:
        return st.dictionaries(texts, texts, max_size=3)
    return st.one_of(st.lists(one, max_size=4) if shape.is_many else one, _ANYTHING)


class Refusing:
    """A machine on which every command fails; it remembers what it was asked."""

    is_simulated = False

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[tuple[str, ...]] = []

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "", check: bool = True) -> Result:
        self.asked.append(tuple(argv))
        raise CommandError(argv, 1, "refused")

    def is_held(self, device: Path) -> bool:
        return True

    def now(self) -> float:
        return 1e9


class Watched:
    """The simulated machine; it remembers what it was asked.

    Nothing is changed by looking, so the same question has the same answer.
    """

    is_simulated = True

    def __init__(self, machine: SimulatedMachine, answers: dict[tuple[str, ...], Result]) -> None:
        self._machine = machine
        self._answers = answers
        self.root = machine.root
        self.asked: list[tuple[str, ...]] = []

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "", check: bool = True) -> Result:
        asked = tuple(argv)
        self.asked.append(asked)
        if asked not in self._answers:
            self._answers[asked] = self._machine.run(asked, timeout_s=timeout_s, stdin=stdin, check=False)
        found = self._answers[asked]
        if check and found.status:
            raise CommandError(asked, found.status, found.stderr)
        return found

    def is_held(self, device: Path) -> bool:
        return self._machine.is_held(device)

    def now(self) -> float:
        return 1e9


class Patient:
    """Work without secrets, which nobody watches."""

    def secret(self, name: str) -> str:
        return "correct horse battery staple"

    def give(self, name: str, text: str) -> None:
        pass

    def progress(self, text: str, fraction: float | None = None) -> None:
        pass


def texts_of(value: object) -> Iterator[str]:
    """Every text in the arguments, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from (*texts_of(key), *texts_of(each))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_of(each)


_SHELLS = {"sh", "bash", "dash", "env", "eval", "xargs", "su", "sudo", "script"}


def check_command(argv: Sequence[str], texts: Sequence[str]) -> None:
    """No shell; nothing of the arguments is an option, and what is a name stands behind `--`."""
    assert argv
    assert argv[0].rpartition("/")[2] not in _SHELLS, argv
    for at, word in enumerate(argv):
        assert "\0" not in word, argv
        if word in texts and word != "--":
            assert at, f"an argument is the program: {argv}"
            assert not word.startswith("-"), f"an argument is an option: {argv}"
            if argv[0] in ("zfs", "zpool"):
                is_value = argv[at - 1].startswith("-") and argv[at - 1] != "--"
                assert "--" in argv[:at] or is_value, f"a name stands before `--`: {argv}"
