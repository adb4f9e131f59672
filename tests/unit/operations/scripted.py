"""A machine for tests of plans: programs answer what was recorded, files lie in a folder.

It stands for the machine, never for what is tested: a command that nobody recorded fails the test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sigmavault.core.errors import CommandError, CommandMissingError, InvalidRequestError
from sigmavault.core.process import Result

type Said = str | CommandError | Callable[[Sequence[str], str], str]
"""What a program prints; an error to end with; or a function of its arguments and its input."""


@dataclass(kw_only=True)
class ScriptedMachine:
    """Satisfies `Machine`.

    Attributes:
        root: where its files begin.
        says: the beginning of a command line → what is said; the longest beginning that fits is taken.
        held: devices that the kernel would not open exclusively.
        ran: every command line, in order.
        inputs: what each of them was given to read.
    """

    root: Path = Path("/nonexistent")
    says: Mapping[tuple[str, ...], Said] = field(default_factory=dict)
    held: frozenset[Path] = frozenset()
    is_simulated: bool = False
    ran: list[tuple[str, ...]] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    time: float = 1_790_000_000.0

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "", check: bool = True) -> Result:
        assert timeout_s > 0
        self.ran.append(tuple(argv))
        self.inputs.append(stdin)
        fitting = [each for each in self.says if tuple(argv[: len(each)]) == each]
        if not fitting:
            raise CommandMissingError(argv)
        said = self.says[max(fitting, key=len)]
        if isinstance(said, CommandError):
            if check:
                raise said
            return Result(argv=tuple(argv), status=said.status, stdout="", stderr=said.stderr, duration_s=0)
        text = said if isinstance(said, str) else said(argv, stdin)
        return Result(argv=tuple(argv), status=0, stdout=text, stderr="", duration_s=0)

    def is_held(self, device: Path) -> bool:
        return device in self.held

    def now(self) -> float:
        return self.time


@dataclass(kw_only=True)
class Hands:
    """Satisfies `Work`: holds secrets, writes progress down."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)

    def give(self, name: str, text: str) -> None:
        self.given[name] = text

    def secret(self, name: str) -> str:
        if name not in self.secrets:
            raise InvalidRequestError(f"the secret {name!r} is missing", param=name)
        return self.secrets[name]

    def progress(self, text: str, fraction: float | None = None) -> None:
        assert fraction is None or 0 <= fraction <= 1
        self.told.append(text)
