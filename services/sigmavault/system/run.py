"""The one place that starts programs.

Argument lists only, never a shell. Every call has a time limit and captures what the program says,
except of a program that talks with the person at the terminal (`attend`).
Programs speak English (`C.UTF-8`), so that what they print can be parsed.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sigmavault.core.errors import CommandError, CommandMissingError, CommandTimeoutError
from sigmavault.system import env

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a program ended.

    Attributes:
        argv: the command.
        status: exit code; negative: ended by that signal.
        stdout: its output.
        stderr: its complaints.
        duration_s: how long it ran.
    """

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str
    duration_s: float


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    kept = env.inherited(("HOME", "USER", "TERM", "DBUS_SYSTEM_BUS_ADDRESS"))
    return {"PATH": _PATH, "LC_ALL": "C.UTF-8", **kept, **(extra or {})}


def run(
    argv: Sequence[str], *, timeout_s: float, stdin: str = "", check: bool = True,
    extra_env: Mapping[str, str] | None = None,
) -> Result:  # fmt: skip
    """Run a program to its end.

    Args:
        argv: program and arguments; put `--` before names that come from outside.
        timeout_s: it is killed after this many seconds.
        stdin: what it reads.
        check: whether an exit code other than 0 is an error.
        extra_env: variables beside the small fixed environment.

    Raises:
        CommandError: it failed (and `check` is on), was too slow, or is not installed.
    """
    started = time.monotonic()
    try:
        done = subprocess.run(  # an argument list, no shell
            list(argv), input=stdin, capture_output=True, text=True, errors="replace",
            timeout=timeout_s, check=False, env=_environment(extra_env),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise CommandMissingError(argv) from error
    except subprocess.TimeoutExpired as error:
        raise CommandTimeoutError(argv, timeout_s) from error
    if check and done.returncode != 0:
        raise CommandError(argv, done.returncode, done.stderr)
    return Result(
        argv=tuple(argv), status=done.returncode, stdout=done.stdout, stderr=done.stderr,
        duration_s=time.monotonic() - started,
    )  # fmt: skip


def attend(argv: Sequence[str], *, timeout_s: float) -> None:
    """Run a program that talks with the person at the terminal: it has our input and output.

    Raises:
        CommandError: it failed, was too slow, or is not installed.
    """
    try:
        done = subprocess.run(list(argv), timeout=timeout_s, check=False, env=_environment(None))
    except FileNotFoundError as error:
        raise CommandMissingError(argv) from error
    except subprocess.TimeoutExpired as error:
        raise CommandTimeoutError(argv, timeout_s) from error
    if done.returncode != 0:
        raise CommandError(argv, done.returncode)


async def start(
    argv: Sequence[str], *, pass_fds: Sequence[int] = (), extra_env: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    """Start a long-running child of ours; it inherits stderr (the journal) and the given sockets.

    Raises:
        CommandMissingError: the program is not installed.
    """
    try:
        return await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            pass_fds=tuple(pass_fds), env=_environment(extra_env),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise CommandMissingError(argv) from error
