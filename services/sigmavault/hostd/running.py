"""One job while it runs: it does the work in its thread and writes down how far it is."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sigmavault.core.errors import (
    CommandTimeoutError,
    InvalidRequestError,
    OperationCancelledError,
    SigmaVaultError,
)
from sigmavault.core.job_state import JobState
from sigmavault.core.jobs import JobRecord
from sigmavault.core.operation import Arguments, Change, Machine, Outcome
from sigmavault.system import job_store

_WRITE_EVERY_S = 1.0
"""How often progress is written while what is being done stays the same."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What goes between a job and its caller, and nowhere else.

    Attributes:
        secrets: those that came, by name.
        give: writes one that goes.
    """

    secrets: Mapping[str, str]
    give: Callable[[str, str], None]


class RunningJob:
    """A job. Satisfies `Work`; `perform` runs in a thread, all else may be called by any."""

    def __init__(
        self, record: JobRecord, hands: Hands, machine: Machine,
        tell: Callable[[JobRecord], object],
    ) -> None:  # fmt: skip
        """`tell` hears of every step, in the job's thread."""
        self.record = record
        self._secrets = dict(hands.secrets)
        self._give = hands.give
        self._machine = machine
        self._tell = tell
        self._cancelled = threading.Event()
        self._written = 0.0

    def secret(self, name: str) -> str:
        """See `Work.secret`."""
        if name not in self._secrets:
            raise InvalidRequestError(f"the secret {name!r} did not come along", param=name)
        return self._secrets[name]

    def give(self, name: str, text: str) -> None:
        """See `Work.give`."""
        self._give(name, text)

    def progress(self, text: str, fraction: float | None = None) -> None:
        """See `Work.progress`."""
        if self._cancelled.is_set():
            raise OperationCancelledError("it was cancelled between two steps")
        is_new = text != self.record.text
        self.record = self.record.at(self._machine.now(), text, fraction)
        if is_new or time.monotonic() - self._written > _WRITE_EVERY_S:
            self._write()
        self._tell(self.record)

    def cancel(self) -> None:
        """Stop it before its next step."""
        self._cancelled.set()

    def perform(self, operation: Change[Any, Any], arguments: Arguments) -> JobRecord:
        """Do it, to its end; returns how it ended, which is written down by then."""
        try:
            answer = operation.apply(arguments, self.record.plan, self._machine, self)
            self.record = self.record.done(self._machine.now(), answer.model_dump_json())
        except OperationCancelledError as error:
            self.record = self.record.failed(self._machine.now(), error, JobState.CANCELLED)
        except CommandTimeoutError as error:
            # its program may hang in the kernel and still do its work: only a look can tell
            self.record = resolve(self.record, operation, self._machine, f"{error.message}; ")
        except SigmaVaultError as error:
            self.record = self.record.failed(self._machine.now(), error)
        except Exception as error:
            _log.exception("%s failed", self.record.operation)
            wrapped = SigmaVaultError(f"{self.record.operation} failed: {type(error).__name__}")
            self.record = self.record.failed(self._machine.now(), wrapped)
        self._secrets.clear()
        self._write()
        return self.record

    def _write(self) -> None:
        self._written = time.monotonic()
        try:
            job_store.write(self._machine.root, self.record)
        except OSError:
            # the work goes on: to stop halfway would be worse than a record that is behind
            _log.exception("job %s cannot be written down", self.record.id)


def resolve(record: JobRecord, operation: Change[Any, Any], machine: Machine, why: str) -> JobRecord:
    """How a job ended that nobody saw ending, by the real state.

    Args:
        record: the job.
        operation: what it did.
        machine: where.
        why: what happened, as the beginning of a sentence.
    """
    try:
        arguments = operation.arguments_type().model_validate_json(json.dumps(record.plan.arguments))
        outcome = operation.outcome(arguments, record.plan, machine)
        seen = _SEEN[outcome]
    except SigmaVaultError as error:
        outcome, seen = Outcome.UNKNOWN, f"the state cannot be read: {error.message}"
    except Exception:
        _log.exception("the outcome of %s cannot be read", record.operation)
        outcome, seen = Outcome.UNKNOWN, "the state cannot be read"
    return record.resolved(machine.now(), outcome, why + seen)


_SEEN: Mapping[Outcome, str] = {
    Outcome.FINISHED: "the state shows that it was done",
    Outcome.FAILED: "the state shows that it was not done, or not all of it",
    Outcome.UNKNOWN: "the state does not show how it ended",
}
