"""The jobs of the daemon: begun, followed, resolved after a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sigmavault.core.audit import Event, Facts, Who
from sigmavault.core.errors import (
    AuditError,
    InvalidRequestError,
    ServiceUnavailableError,
    UnknownObjectError,
)
from sigmavault.core.jobs import JobRecord, spelled_time
from sigmavault.core.operation import Arguments, Change, Machine, Outcome, Plan
from sigmavault.hostd.descriptors import Outlets
from sigmavault.hostd.running import Hands, RunningJob, resolve
from sigmavault.hostd.threads import in_thread
from sigmavault.operations import registry
from sigmavault.system import job_store
from sigmavault.system.audit_log import AuditLog

_RESOLVE_S = 60.0
"""A state that is not read by then does not tell."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done: everything that was checked.

    Attributes:
        job: its id.
        operation: what.
        arguments: with what.
        plan: as it was made a moment ago.
        who: by whom.
        secrets: by name.
        outlets: what those are written into that are given.
        release: gives the locks back.
    """

    job: str
    operation: Change[Any, Any]
    arguments: Arguments
    plan: Plan
    who: Who
    secrets: Mapping[str, str]
    outlets: Outlets
    release: Callable[[], None]


class Jobs:
    """The jobs that run, and those that ended while the daemon did not look."""

    def __init__(self, machine: Machine, audit: AuditLog) -> None:
        self._machine, self._audit = machine, audit
        self._running: dict[str, RunningJob] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self.changed: Callable[[JobRecord], object] = lambda _: None
        """Hears of every step of every job, in the loop."""

    async def begin(self, order: Order) -> JobRecord:
        """Write down that it begins, and begin; it goes on when the caller is gone.

        Raises:
            AuditError: it cannot be written down, so it does not begin.
            ServiceUnavailableError: the daemon is being stopped.
        """
        if self._is_closing:
            raise ServiceUnavailableError("the host daemon is being stopped", "try again in a moment")
        time = spelled_time(self._machine.now())
        record = JobRecord(id=order.job, plan=order.plan, who=order.who, began=time, changed=time)
        loop = asyncio.get_running_loop()
        job = RunningJob(
            record, Hands(secrets=order.secrets, give=order.outlets.write), self._machine,
            lambda step: loop.call_soon_threadsafe(self.changed, step),
        )  # fmt: skip
        await in_thread(partial(self._write_begin, record), "audit")
        self._running[record.id] = job
        self.changed(record)
        task = asyncio.create_task(self._follow(job, order))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return record

    def cancel(self, job: str) -> None:
        """Stop a job before its next step; harmless when it is over.

        Raises:
            UnknownObjectError: there is none of this id.
        """
        if (running := self._running.get(job)) is not None:
            running.cancel()

    def owner(self, job: str) -> JobRecord:
        """A job that runs, or ended.

        Raises:
            UnknownObjectError: there is none of this id.
        """
        running = self._running.get(job)
        return running.record if running is not None else job_store.read(self._machine.root, job)

    async def resolve(self) -> tuple[JobRecord, ...]:
        """Find out how those jobs ended that ran when the daemon died; returns them."""
        job_store.prune(self._machine.root)
        left = [each for each in job_store.everything(self._machine.root) if not each.is_over]
        return tuple(await asyncio.gather(*(self._resolve(each) for each in left)))

    def recent(self, seconds: float) -> tuple[JobRecord, ...]:
        """The jobs that ended not long ago."""
        since = spelled_time(self._machine.now() - seconds)
        return tuple(each for each in job_store.everything(self._machine.root) if each.ended >= since)

    async def settle(self, patience_s: float) -> None:
        """Let what runs come to its end, for a while, and begin nothing new; the next start does the rest."""
        self._is_closing = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience_s)

    @property
    def running(self) -> int:
        """How many run."""
        return len(self._running)

    def _write_begin(self, record: JobRecord) -> None:
        try:
            job_store.write(self._machine.root, record)
        except OSError as error:
            raise AuditError(f"the job cannot be written down: {error.strerror}") from error
        try:
            # second: what the audit has as begun is found by the next start, whenever this one dies
            self._audit.append(_facts(Event.BEGIN, record), durable=True)
        except AuditError:
            job_store.forget(self._machine.root, record.id)
            raise

    async def _follow(self, job: RunningJob, order: Order) -> None:
        try:
            record = await in_thread(partial(job.perform, order.operation, order.arguments), job.record.id)
            await self._note(Event.END, record)
        finally:
            order.release()
            del self._running[job.record.id]
        self.changed(record)

    async def _resolve(self, record: JobRecord) -> JobRecord:
        why = "the daemon was restarted meanwhile; "
        try:
            operation = registry.find(record.operation)()
            assert isinstance(operation, Change)  # noqa: S101  # only those become jobs
            async with asyncio.timeout(_RESOLVE_S):
                look = partial(resolve, record, operation, self._machine, why)
                found = await in_thread(look, record.id)
        except (TimeoutError, InvalidRequestError, UnknownObjectError):
            reason = f"{why}the state cannot be read"
            found = record.resolved(self._machine.now(), Outcome.UNKNOWN, reason)
        job_store.write(self._machine.root, found)
        await self._note(Event.RESOLVED, found)
        return found

    async def _note(self, event: Event, record: JobRecord) -> None:
        facts = _facts(event, record)
        try:
            await in_thread(partial(self._audit.append, facts, durable=True), "audit")
        except AuditError as error:
            _log.error("job %s: %s", record.id, error)


def _facts(event: Event, record: JobRecord) -> Facts:
    result = record.error or ("ok" if record.is_over or event is Event.BEGIN else "unknown")
    return Facts(
        event=event, who=record.who, operation=record.operation, arguments=record.plan.arguments,
        job=record.id, digest=record.plan.digest(), result=result, message=record.message,
    )  # fmt: skip
