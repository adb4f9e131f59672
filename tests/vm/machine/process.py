"""The one place of the harness that starts programs: argument lists, no shell, always a time limit."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.vm.machine.errors import MachineError

Arg = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A program that ended.

    Attributes:
        argv: what was run.
        code: its exit code.
        out, err: what it wrote, as text; bytes that are no UTF-8 are replaced.
    """

    argv: tuple[str, ...]
    code: int
    out: str
    err: str

    def describe(self) -> str:
        """One paragraph for a failure message: command, exit code, the end of what it wrote."""
        said = "\n".join(text.strip()[-2000:] for text in (self.out, self.err) if text.strip())
        return f"{shlex.join(self.argv)} ended with {self.code}\n{said}".rstrip()


def run(argv: Sequence[Arg], *, timeout_s: float, stdin: bytes = b"", check: bool = True) -> Done:
    """Run a program to its end.

    Raises:
        MachineError: it did not start, ran out of time, or (with `check`) ended with another code than 0.
    """
    words = tuple(os.fspath(word) for word in argv)
    try:
        ended = subprocess.run(words, input=stdin, capture_output=True, timeout=timeout_s, check=False)
    except FileNotFoundError as error:
        raise MachineError(f"{words[0]} is not installed: run this inside the tools tree") from error
    except subprocess.TimeoutExpired as error:
        raise MachineError(f"{shlex.join(words)} did not end within {timeout_s:.0f} s") from error
    done = Done(
        argv=words,
        code=ended.returncode,
        out=ended.stdout.decode(errors="replace"),
        err=ended.stderr.decode(errors="replace"),
    )
    if check and done.code != 0:
        raise MachineError(done.describe())
    return done


def watch(argv: Sequence[str], *, seconds: float) -> str:
    """What a program writes until it ends or `seconds` are over; then it is killed."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as hung:
        return (hung.stdout or b"").decode(errors="replace")
    return done.stdout.decode(errors="replace")


def spawn(argv: Sequence[str], *, log: Path, interactive: bool = False) -> subprocess.Popen[bytes]:
    """Start a program that runs beside us; `interactive` gives it our terminal, else it writes to `log`.

    Without a terminal it leads a process group of its own, so that Ctrl-C ends the tests in order.
    """
    if interactive:
        return subprocess.Popen(argv)
    with log.open("ab") as sink:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, process_group=0)
