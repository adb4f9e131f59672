"""A job: an operation that is being applied, or was. Pure; `system.job_store` keeps them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, Self

from sigmavault.core.audit import Who
from sigmavault.core.errors import OutcomeUnknownError, SigmaVaultError
from sigmavault.core.job_state import JobState
from sigmavault.core.operation.operation import Outcome
from sigmavault.core.operation.plan import Plan, Value

ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}_[0-9a-f]{8}")
"""How an id looks: when it began, and chance. A part of a D-Bus path and of a file name."""

_STATES: Final = {
    Outcome.FINISHED: JobState.DONE,
    Outcome.FAILED: JobState.FAILED,
    Outcome.UNKNOWN: JobState.UNKNOWN,
}


def make_id(now: float, chance: str) -> str:
    """An id; `now` in seconds since 1970, `chance` 8 hexadecimal digits."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S}_{chance}"


def spelled_time(now: float) -> str:
    """ISO 8601 UTC."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")


class JobRecord(Value):
    """What is kept of a job.

    Attributes:
        id: see `ID`.
        state: how it is doing.
        plan: what it does.
        who: who applied it.
        began: ISO 8601 UTC.
        changed: when this was written last.
        ended: empty while it runs.
        text: what is being done, as a sentence.
        fraction: 0 to 1; None when nobody can say.
        answer: JSON of what it answered.
        error: code of the failure; empty without one.
        message: the failure in words.
        hint: what to do about it.
    """

    id: str
    state: JobState = JobState.RUNNING
    plan: Plan
    who: Who
    began: str
    changed: str
    ended: str = ""
    text: str = ""
    fraction: float | None = None
    answer: str = ""
    error: str = ""
    message: str = ""
    hint: str = ""

    @property
    def operation(self) -> str:
        """Name of the operation."""
        return self.plan.operation

    @property
    def is_over(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self.state is not JobState.RUNNING

    def at(self, now: float, text: str, fraction: float | None) -> Self:
        """One step further."""
        return self.model_copy(update={"changed": spelled_time(now), "text": text, "fraction": fraction})

    def done(self, now: float, answer: str) -> Self:
        """It has worked."""
        return self._over(now, state=JobState.DONE, answer=answer, fraction=1.0)

    def failed(self, now: float, error: SigmaVaultError, state: JobState = JobState.FAILED) -> Self:
        """It has not."""
        return self._over(now, state=state, error=error.code, message=error.message, hint=error.hint)

    def resolved(self, now: float, outcome: Outcome, reason: str) -> Self:
        """Nobody saw it end; the real state told `outcome`."""
        state = _STATES[outcome]
        code = "" if outcome is Outcome.FINISHED else OutcomeUnknownError.code
        hint = "" if outcome is Outcome.FINISHED else "look at the object before you try it again"
        return self._over(now, state=state, error=code, message=reason, hint=hint)

    def _over(self, now: float, **changes: object) -> Self:
        time = spelled_time(now)
        return self.model_copy(update={**changes, "changed": time, "ended": time})
