"""A job until its end: a line that tells how far it is, Ctrl-C, a daemon that is started anew meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator
from typing import Final, TextIO

from sigmavault.cli.host.client import Host, Job
from sigmavault.cli.plain_text import plain_line
from sigmavault.contract.host1 import JobState
from sigmavault.core.errors import (
    OperationCancelledError,
    OutcomeUnknownError,
    ServiceUnavailableError,
    SigmaVaultError,
)
from sigmavault.core.values import format_duration

_CLEAR: Final = "\r\x1b[K"
_FIRST_PAUSE_S: Final = 0.01
_PAUSE_S: Final = 0.25
_SHOW_AFTER_S: Final = 0.5
RESTART_S: Final = 60.0
"""How long a daemon may take to come back and tell what became of a job."""


class _Gone(Exception):  # noqa: N818 - no failure: the person goes, the job stays
    """Interrupted a second time."""


async def follow(host: Host, path: str, stream: TextIO, width: int) -> str:
    """Wait for a job; its answer as JSON.

    Raises:
        SigmaVaultError: the job's own failure.
        OutcomeUnknownError: nobody can tell how it ended.
        OperationCancelledError: it was cancelled, or goes on without being watched.
    """
    line = _Line(stream, width)
    with _interrupts() as presses:
        try:
            job = await _ended(host, path, line, presses)
        except _Gone:
            name = path.rpartition("/")[2]
            raise OperationCancelledError(
                "it goes on without being watched", f"`sigmavault job show {name}` tells how it is"
            ) from None
        finally:
            line.clear()
    return _answer(job)


def _answer(job: Job) -> str:
    if job.state is JobState.DONE:
        return job.answer
    if job.state is JobState.UNKNOWN:
        message = job.error.message if job.error else "nobody can tell how it ended"
        hint = job.error.hint if job.error else ""
        raise OutcomeUnknownError(message, hint or "look at the machine before you try it again")
    if job.state is JobState.CANCELLED:
        raise OperationCancelledError(job.error.message if job.error else "cancelled")
    raise job.error or SigmaVaultError("it failed, and the host daemon does not say why")


async def _ended(host: Host, path: str, line: _Line, presses: list[float]) -> Job:
    asked, pause = 0, _FIRST_PAUSE_S
    while True:
        job = await _look(host, path, line)
        if job.state is not JobState.RUNNING:
            return job
        if len(presses) > asked:
            asked = len(presses)
            if asked > 1:
                raise _Gone
            await _cancel(host, path, line)
        line.show(_told(job, cancelled=bool(asked)))
        await asyncio.sleep(pause)
        pause = min(2 * pause, _PAUSE_S)


async def _cancel(host: Host, path: str, line: _Line) -> None:
    try:
        await host.cancel(path)
    except SigmaVaultError as error:
        line.say(f"it cannot be cancelled: {error.message}")


async def _look(host: Host, path: str, line: _Line) -> Job:
    """How the job is doing. A daemon that died is started anew by being asked, and looks for itself."""
    until = time.monotonic() + RESTART_S
    while True:
        try:
            return await host.job(path)
        except ServiceUnavailableError as error:
            if time.monotonic() > until:
                raise OutcomeUnknownError(
                    f"how it ended is not known: {error.message}",
                    "look at the machine before you try it again; `sigmavault job list` shows what was begun",
                ) from error
        line.show("the host daemon went away; waiting for it")
        await asyncio.sleep(_PAUSE_S)


def _told(job: Job, *, cancelled: bool) -> str:
    percent = "" if job.fraction is None else f" {job.fraction:4.0%}"
    end = " (cancelled: waits for the end of what was begun)" if cancelled else ""
    return f"{plain_line(job.text)} …{percent}{end}"


class _Line:
    """One line at the end of a terminal; a stream that is none is told nothing but what `say` says."""

    def __init__(self, stream: TextIO, width: int) -> None:
        self._stream = stream
        self._width = width
        self._is_terminal = stream.isatty()
        self._began = time.monotonic()
        self._is_shown = False

    def show(self, text: str) -> None:
        """The text and the time, once it lasts."""
        took = time.monotonic() - self._began
        if not self._is_terminal or took < _SHOW_AFTER_S:
            return
        tail = f"  {format_duration(round(took))}"
        self._stream.write(f"{_CLEAR}{text[: self._width - len(tail) - 1]}{tail}")
        self._stream.flush()
        self._is_shown = True

    def say(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def clear(self) -> None:
        """As if it had never been there."""
        if self._is_shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._is_shown = False


@contextlib.contextmanager
def _interrupts() -> Iterator[list[float]]:
    """When Ctrl-C was pressed, while this is open: it ends nothing by itself."""
    presses: list[float] = []
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: presses.append(time.monotonic()))
    try:
        yield presses
    finally:
        loop.remove_signal_handler(signal.SIGINT)
