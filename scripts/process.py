"""The one place of the build that runs programs.

Argument lists only, never a shell. Output goes line by line to the build's log and to whoever
watches; a failure carries the last lines.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from scripts.errors import BuildError

Argument = str | os.PathLike[str]
_TAIL = 20


class CommandError(BuildError):
    """A program ended with a failure.

    Attributes:
        argv: the command.
        code: its exit code; negative for a signal.
        tail: its last lines of output.
    """

    def __init__(self, argv: Sequence[str], code: int, tail: Sequence[str], hint: str = "") -> None:
        ending = f"exit code {code}" if code >= 0 else f"signal {-code}"
        super().__init__(f"{argv[0]} failed with {ending}", hint)
        self.argv, self.code, self.tail = list(argv), code, list(tail)


@dataclass(slots=True)
class Runner:
    """Runs programs with a common environment and log.

    Attributes:
        log: where all output goes.
        env: environment of every program.
        on_line: called with each line of output, for progress.
    """

    log: IO[str]
    env: Mapping[str, str]
    on_line: Callable[[str], None] = field(default=lambda _line: None)

    def run(
        self, argv: Iterable[Argument], *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
        hint: str = "",
    ) -> list[str]:  # fmt: skip
        """Run a program to its end; its last lines of output.

        Raises:
            CommandError: it ended with a failure, or could not be started.
        """
        command = [os.fspath(item) for item in argv]
        self.note("$ " + " ".join(command))
        tail: deque[str] = deque(maxlen=_TAIL)
        try:
            process = subprocess.Popen(
                command, cwd=cwd, env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            )  # fmt: skip
        except OSError as error:
            raise _not_started(command, error, hint) from None
        with process:
            assert process.stdout is not None  # noqa: S101 - PIPE was asked for
            for line in process.stdout:
                text = line.rstrip()
                tail.append(text)
                self.note(text)
                self.on_line(text)
        if process.returncode != 0:
            raise CommandError(command, process.returncode, tail, hint)
        return list(tail)

    def status(
        self, argv: Iterable[Argument], *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
        inherit: bool = False,
    ) -> int:  # fmt: skip
        """Run a program that speaks to the person itself (pytest, a shell); its exit code.

        `inherit` gives it the descriptors that are inheritable: `scripts.host.enter.command` names one.

        Raises:
            CommandError: it could not be started.
        """
        command = [os.fspath(item) for item in argv]
        self.note("$ " + " ".join(command))
        try:
            return subprocess.run(
                command, cwd=cwd, env={**self.env, **(env or {})}, check=False, close_fds=not inherit
            ).returncode
        except OSError as error:
            raise _not_started(command, error, "") from None

    def output(self, argv: Iterable[Argument], *, cwd: Path | None = None) -> str:
        """Standard output of a short program.

        Raises:
            CommandError: it ended with a failure, or could not be started.
        """
        command = [os.fspath(item) for item in argv]
        try:
            done = subprocess.run(
                command, cwd=cwd, env=dict(self.env), stdin=subprocess.DEVNULL, capture_output=True,
                text=True, errors="replace", check=False,
            )  # fmt: skip
        except OSError as error:
            raise _not_started(command, error, "") from None
        if done.returncode != 0:
            raise CommandError(command, done.returncode, done.stderr.splitlines()[-_TAIL:])
        return done.stdout

    def note(self, text: str) -> None:
        """Write a line into the log."""
        self.log.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        self.log.flush()


def _not_started(command: Sequence[str], error: OSError, hint: str) -> CommandError:
    """A program that is missing, is none, or whose working folder is missing."""
    return CommandError(command, 127, [f"{error.filename or command[0]}: {error.strerror}"], hint)
