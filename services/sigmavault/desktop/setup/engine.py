"""The worker, as the window sees it: started, asked and listened to without ever waiting."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from pydantic import ValidationError

from sigmavault.core.errors import OperationError, ServiceUnavailableError
from sigmavault.core.setup.facts import Facts
from sigmavault.desktop.setup.contract import Rehearsed, Report, Request
from sigmavault.desktop.toolkit import Gio, GLib

WORKER: Final = ("/usr/libexec/sigmavault/setup-worker",)


class Engine:
    """Looks at the machine and changes it.

    Attributes:
        argv: how the worker is started.
    """

    def __init__(self, argv: Sequence[str] = WORKER) -> None:
        self.argv = list(argv)
        self._worker: Any = None

    async def look(self) -> tuple[Facts, dict[str, Any]]:
        """What this machine is and has, and what was answered in a run that did not come to its end.

        Raises:
            SigmaVaultError: the worker could not tell.
        """
        async with aclosing(self._ask(Request(do="look"))) as reports:
            async for report in reports:
                if report.facts is not None:
                    return report.facts, report.before
        raise ServiceUnavailableError("nothing could be found out about this machine")

    async def rehearse(self, answers: dict[str, Any]) -> Mapping[str, Rehearsed]:
        """What the host daemon would do, by ids of steps.

        Raises:
            SigmaVaultError: the worker could not tell.
        """
        async with aclosing(self._ask(Request(do="rehearse", answers=answers))) as reports:
            async for report in reports:
                if report.rehearsed is not None:
                    return report.rehearsed
        return {}

    async def run(self, answers: dict[str, Any]) -> AsyncGenerator[Report]:
        """Make the machine as wished; tells whenever something is further.

        Raises:
            SigmaVaultError: it was broken off.
        """
        async with aclosing(self._ask(Request(do="run", answers=answers))) as reports:
            async for report in reports:
                yield report

    async def decline(self) -> None:
        """Note that nobody wants to be asked at a login any more."""
        async with aclosing(self._ask(Request(do="decline"))) as reports:
            async for _report in reports:
                pass

    def stop(self) -> None:
        """End the worker. What the host daemon is at goes on to its end; nothing more is begun."""
        if self._worker is not None:
            self._worker.send_signal(signal.SIGTERM)

    async def _ask(self, request: Request) -> AsyncGenerator[Report]:
        flags = Gio.SubprocessFlags.STDIN_PIPE | Gio.SubprocessFlags.STDOUT_PIPE
        try:
            worker = Gio.Subprocess.new(self.argv, flags)
            self._worker = worker
            asked = GLib.Bytes.new(f"{request.model_dump_json()}\n".encode())
            pipe = worker.get_stdin_pipe()
            await pipe.write_bytes_async(asked, GLib.PRIORITY_DEFAULT, None)
            await pipe.close_async(GLib.PRIORITY_DEFAULT, None)
            told = Gio.DataInputStream.new(worker.get_stdout_pipe())
            while line := (await told.read_line_async(GLib.PRIORITY_DEFAULT, None))[0]:
                yield _report(bytes(line))
            await worker.wait_async(None)
        except GLib.Error as error:
            raise ServiceUnavailableError(f"the assistant's worker: {error.message}") from error
        finally:
            self._worker = None


def _report(line: bytes) -> Report:
    try:
        report = Report.model_validate_json(line)
    except ValidationError as error:
        raise ServiceUnavailableError("the assistant's worker said something that makes no sense") from error
    if report.error:
        raise OperationError(report.error, hint=report.hint)
    return report
