"""`org.sigmavault.Ryzan1.Job`: one streamed answer. Its text is in the pipe, never here."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from sdbus import DbusInterfaceCommonAsync, DbusUnprivilegedFlag, dbus_method_async, dbus_property_async

from sigmavault.contract.ryzan1 import JOB_INTERFACE, JOBS_PATH, JobState
from sigmavault.core.errors import NotAuthorizedError, ReaderGoneError, SigmaVaultError
from sigmavault.core.wish import ChoiceFinished
from sigmavault.system import bus

_KEPT_S = 60.0
"""How long a job can still be asked how it ended."""
_MOST_JOBS = 256

_log = logging.getLogger(__name__)


class Job(DbusInterfaceCommonAsync, interface_name=JOB_INTERFACE):
    """One job on the bus."""

    def __init__(self, owner: int, uid_of: Callable[[str], Coroutine[Any, Any, int]]) -> None:
        super().__init__()
        self._owner = owner
        self._uid_of = uid_of
        self._state = JobState.RUNNING
        self._error = ""
        self._finish = ""
        self._tokens = 0
        self.task: asyncio.Task[ChoiceFinished | None] | None = None

    @dbus_property_async("s", property_name="State")
    def state(self) -> str:
        """One of `JobState`."""
        return self._state.value

    @dbus_property_async("s", property_name="Error")
    def error(self) -> str:
        """D-Bus name of the failure; empty without one."""
        return self._error

    @dbus_property_async("s", property_name="FinishReason")
    def finish_reason(self) -> str:
        """`stop` or `length`; empty until the answer is complete."""
        return self._finish

    @dbus_property_async("u", property_name="CompletionTokens")
    def completion_tokens(self) -> int:
        """Tokens of the complete answer; 0 until then."""
        return self._tokens

    @dbus_method_async("", "", DbusUnprivilegedFlag, method_name="Cancel")
    async def cancel(self) -> None:
        """End the answer; only for who asked for it, and root. Harmless when it is over."""
        if await self._uid_of(bus.caller()) not in (0, self._owner):
            raise NotAuthorizedError("the job belongs to somebody else")
        if self.task is not None:
            self.task.cancel()

    def watch(self, task: asyncio.Task[ChoiceFinished | None]) -> None:
        """Tell on the bus how the task ends."""
        self.task = task
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[ChoiceFinished | None]) -> None:
        if task.cancelled() or isinstance(error := task.exception(), ReaderGoneError):
            self._state = JobState.CANCELLED
        elif isinstance(error, SigmaVaultError):
            self._state, self._error = JobState.FAILED, type(error).dbus_name()
        elif error is not None:
            _log.error("a streamed answer failed", exc_info=error)
            self._state, self._error = JobState.FAILED, SigmaVaultError.dbus_name()
        else:
            self._complete(task.result())
        changed: dict[str, Any] = {
            "State": ("s", self.state_now.value), "Error": ("s", self._error),
            "FinishReason": ("s", self._finish), "CompletionTokens": ("u", self._tokens),
        }  # fmt: skip
        self.properties_changed.emit((JOB_INTERFACE, changed, []))

    def _complete(self, ended: ChoiceFinished | None) -> None:
        self._state = JobState.DONE
        if ended is not None:
            self._finish, self._tokens = ended.finish.value, ended.completion_tokens

    @property
    def state_now(self) -> JobState:
        """The state, for our own side."""
        return self._state


class Jobs:
    """All jobs of the service, under `JOBS_PATH`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._jobs: dict[str, tuple[Job, Callable[[], None]]] = {}

    @property
    def is_full(self) -> bool:
        """Whether there are as many as there may be."""
        return len(self._jobs) >= _MOST_JOBS

    def add(self, job: Job) -> str:
        """Put a job on the bus; returns its path. It goes a while after it ended."""
        path = f"{JOBS_PATH}/{next(self._numbers)}"
        self._jobs[path] = (job, bus.put(job, path, self._connection))
        if job.task is not None:
            loop = asyncio.get_running_loop()
            job.task.add_done_callback(lambda _: loop.call_later(_KEPT_S, self._forget, path))
        return path

    def _forget(self, path: str) -> None:
        _job, take_off = self._jobs.pop(path)
        take_off()
