"""The contract of `org.sigmavault.Host`: bus names, the manager, jobs.

Each noun has an interface of its own, `org.sigmavault.Host1.Pool`, each operation a method:
`core.operation.surfaces` names them. Arguments, answers and plans are JSON texts.
"""

from __future__ import annotations

from enum import StrEnum

BUS_NAME = "org.sigmavault.Host"
OBJECT_PATH = "/org/sigmavault/Host"
INTERFACE = "org.sigmavault.Host1"
JOBS_PATH = "/org/sigmavault/Host/jobs"
JOB_INTERFACE = "org.sigmavault.Host1.Job"


class JobState(StrEnum):
    """How a job is doing."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """The daemon died meanwhile, and the real state does not tell how it ended."""


class JobKey(StrEnum):
    """Properties of a job, with their D-Bus types."""

    STATE = "State"
    """s: one of `JobState`."""
    OPERATION = "Operation"
    """s: name of the operation."""
    TEXT = "Text"
    """s: what is being done, as a sentence."""
    PROGRESS = "Progress"
    """d: 0 to 1; -1 when nobody can say."""
    ANSWER = "Answer"
    """s: JSON, once it is done; empty before."""
    ERROR = "Error"
    """s: D-Bus name of the failure; empty without one."""
    MESSAGE = "Message"
    """s: the failure in words."""
    HINT = "Hint"
    """s: what to do about it; empty for nothing."""
