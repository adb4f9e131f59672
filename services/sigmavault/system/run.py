"""The one place that starts programs.

Argument lists only, never a shell. Every call has a time limit and captures what the program says,
except of a program that talks with the person at the terminal (`attend`).
Programs speak English (`C.UTF-8`), so that what they print can be parsed.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Mapping, Sequence

from sigmavault.core.errors import CommandError, CommandMissingError, CommandTimeoutError
from sigmavault.core.process import Result
from sigmavault.system import env

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LAST_WORDS_S = 1.0


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
        child = subprocess.Popen(  # an argument list, no shell
            list(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", env=_environment(extra_env),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise CommandMissingError(argv) from error
    try:
        stdout, stderr = child.communicate(stdin, timeout_s)
    except subprocess.TimeoutExpired as error:
        _give_up(child)
        raise CommandTimeoutError(argv, timeout_s) from error
    if check and child.returncode != 0:
        raise CommandError(argv, child.returncode, stderr)
    return Result(
        argv=tuple(argv), status=child.returncode, stdout=stdout, stderr=stderr,
        duration_s=time.monotonic() - started,
    )  # fmt: skip


def _give_up(child: subprocess.Popen[str]) -> None:
    """Kill a program, and do not wait for ever: one that hangs in the kernel (a suspended pool) stays."""
    child.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.communicate(timeout=_LAST_WORDS_S)


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
