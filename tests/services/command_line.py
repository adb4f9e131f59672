"""Runs the real `sigmavault` command against a running service, also at a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.services.daemon import DATA, SERVICES, Ryzan

PROGRAM = [sys.executable, "-sP", os.fspath(DATA / "usr/bin/sigmavault")]


def environment(ryzan: Ryzan, home: Path | str = "/nonexistent") -> dict[str, str]:
    """What the command is started with."""
    return {
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm", "HOME": os.fspath(home),
        "PYTHONPATH": os.fspath(SERVICES), "PYTHONDONTWRITEBYTECODE": "1",
        "DBUS_SYSTEM_BUS_ADDRESS": ryzan.bus.address, **ryzan.env,
    }  # fmt: skip


def sigmavault(
    ryzan: Ryzan,
    *argv: str,
    user: str | None = None,
    stdin: str | bytes = "",
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [*PROGRAM, *argv], input=data, capture_output=True, check=False, timeout=120, user=user,
        env={**environment(ryzan), **(env or {})},
    )  # fmt: skip
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


class Terminal:
    """A program at a pseudo-terminal, and the person at it."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self._descriptor = descriptor
        self._unread = ""
        self.seen = ""

    def type(self, text: str) -> None:
        """Type; a line ends with `\\r`, as the key gives it."""
        os.write(self._descriptor, text.encode())

    def line(self, text: str) -> None:
        """Type a line."""
        self.type(f"{text}\r")

    def wait_for(self, text: str, timeout_s: float = 60) -> str:
        """What came up to and with the text; a later call goes on behind it."""
        end = time.monotonic() + timeout_s
        while text not in self._unread:
            left = end - time.monotonic()
            assert left > 0, f"{text!r} did not come, but {self._unread!r}"
            self._read(left, text)
        before, _, self._unread = self._unread.partition(text)
        return before + text

    def _read(self, timeout_s: float, text: str) -> None:
        if not select.select([self._descriptor], [], [], timeout_s)[0]:
            return
        try:
            data = os.read(self._descriptor, 65536).decode(errors="replace")
        except OSError:  # EIO: nobody holds the other end
            data = ""
        assert data, f"it ended without {text!r}: {self._unread!r}"
        self._unread += data
        self.seen += data

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.type("\x03")

    def end(self) -> int:
        """Press Ctrl-D; returns the exit code."""
        self.type("\x04")
        return self.process.wait(20)


@contextlib.contextmanager
def at_terminal(
    ryzan: Ryzan,
    *argv: str,
    user: str | None = None,
    home: Path | str = "/nonexistent",
    env: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:
    """The command at a terminal."""
    told = {**environment(ryzan, home), **(env or {})}
    with script_at_terminal([PROGRAM[-1], *argv], told, user) as terminal:
        yield terminal


@contextlib.contextmanager
def script_at_terminal(
    argv: Sequence[str], env: Mapping[str, str], user: str | None = None
) -> Iterator[Terminal]:
    """A Python script with a terminal of its own as input, output and controlling terminal."""
    ours, theirs = pty.openpty()
    if user:
        os.fchmod(theirs, 0o666)
    process = subprocess.Popen(
        [sys.executable, "-sP", "-c", _LEADER, *argv],
        stdin=theirs, stdout=theirs, stderr=theirs, user=user, start_new_session=True, env=env,
    )  # fmt: skip
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)


_LEADER = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-sP", *sys.argv[1:]])
"""
