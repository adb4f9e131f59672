"""A job as answers tell it."""

from __future__ import annotations

from typing import Annotated, Self

from sigmavault.core.jobs import JobRecord
from sigmavault.core.operation import Unit, Value


class JobRow(Value):
    """A job.

    Attributes:
        id: what `job show` takes.
        state: running, done, failed, cancelled, unknown.
        operation: its name.
        summary: what it does, to which object.
        user: who applied it.
        began: ISO 8601 UTC.
        ended: None while it runs.
        progress: None when nobody can say.
        text: what is being done, or was last.
    """

    id: str
    state: str
    operation: str
    summary: str
    user: str
    began: str
    ended: str | None
    progress: Annotated[float, Unit("percent")] | None
    text: str

    @classmethod
    def of(cls, record: JobRecord) -> Self:
        """What a record tells."""
        return cls(
            id=record.id, state=record.state.value, operation=record.operation, summary=record.plan.summary,
            user=record.who.user or str(record.who.uid), began=record.began, ended=record.ended or None,
            progress=None if record.fraction is None else round(100 * record.fraction, 1), text=record.text,
        )  # fmt: skip
