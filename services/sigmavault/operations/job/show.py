"""`job.show`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.operation import Arguments, Machine, Positional, Read
from sigmavault.operations.job.row import JobRow
from sigmavault.system import job_store


class JobShowArguments(Arguments):
    """Which job."""

    job: Annotated[str, Positional(), Field(max_length=40)] = Field(
        description="id of the job, as `job list` tells it", examples=["20261122T210601_1a2b3c4d"]
    )


class JobDetails(JobRow):
    """A job, with how it ended.

    Attributes:
        steps: what it does, in order.
        error: code of the failure; empty without one.
        message: the failure in words.
        hint: what to do about it.
        answer: JSON of what it answered.
    """

    steps: tuple[str, ...]
    error: str
    message: str
    hint: str
    answer: str


class JobShow(Read[JobShowArguments, JobDetails]):
    """What the daemon has written down of one job."""

    name = "job.show"
    summary = "Show one job"
    examples = ("job show 20261122T210601_1a2b3c4d",)

    def read(self, arguments: JobShowArguments, machine: Machine) -> JobDetails:
        """See `Read.read`."""
        record = job_store.read(machine.root, arguments.job)
        return JobDetails(
            **JobRow.of(record).model_dump(), steps=tuple(step.text for step in record.plan.steps),
            error=record.error, message=record.message, hint=record.hint, answer=record.answer,
        )  # fmt: skip
