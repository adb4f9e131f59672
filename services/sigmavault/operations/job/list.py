"""`job.list`."""

from __future__ import annotations

from pydantic import Field

from sigmavault.core.operation import Arguments, Machine, Read, Value
from sigmavault.operations.job.row import JobRow
from sigmavault.system import job_store


class JobListArguments(Arguments):
    """Which jobs."""

    running: bool = Field(default=False, description="only those that run")
    limit: int = Field(20, ge=1, le=200, description="at most so many, the newest")


class JobRows(Value):
    """Jobs, the newest first."""

    jobs: tuple[JobRow, ...]


class JobList(Read[JobListArguments, JobRows]):
    """What the daemon has written down of its jobs."""

    name = "job.list"
    summary = "List the jobs that run, and those that ended"
    examples = ("job list", "job list --running")

    def read(self, arguments: JobListArguments, machine: Machine) -> JobRows:
        """See `Read.read`."""
        found = [
            each for each in job_store.everything(machine.root) if not (arguments.running and each.is_over)
        ]
        return JobRows(jobs=tuple(JobRow.of(each) for each in found[: arguments.limit]))
