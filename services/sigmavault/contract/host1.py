"""The contract of `org.sigmavault.Host`: bus names, the manager, jobs.

Each noun has an interface of its own, `org.sigmavault.Host1.Pool`, each operation a method:
`core.operation.surfaces` names them. Arguments, answers and plans are JSON texts.
"""

from __future__ import annotations

from enum import StrEnum

from sigmavault.core.job_state import JobState as JobState

BUS_NAME = "org.sigmavault.Host"
OBJECT_PATH = "/org/sigmavault/Host"
INTERFACE = "org.sigmavault.Host1"
JOBS_PATH = "/org/sigmavault/Host/jobs"
JOB_INTERFACE = "org.sigmavault.HostJob1"


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


class PoolKey(StrEnum):
    """Keys that `ReportEvent` understands; the values are those of zed(8)."""

    POOL = "pool"
    """Name of the pool."""
    GUID = "guid"
    """Its GUID, decimal or 0x…"""
    CLASS = "class"
    """Of the event: `statechange`, `vdev_clear`, `resilver_finish`, …"""
    VDEV = "vdev"
    """Path of the device, where it is about one."""
    STATE = "state"
    """State of that device: `FAULTED`, …"""


def spell(message: str, hint: str) -> str:
    """The text of a D-Bus error: what went wrong; on a second line what to do, where there is something."""
    said = " ".join(message.splitlines())
    return f"{said}\n{hint}" if hint else said


def unspell(text: str) -> tuple[str, str]:
    """Message and hint out of the text of a D-Bus error."""
    message, _, hint = text.partition("\n")
    return message, hint
