"""The contract of `org.sigmavault.Governor`: bus names, keys of the status."""

from __future__ import annotations

from enum import StrEnum

BUS_NAME = "org.sigmavault.Governor"
OBJECT_PATH = "/org/sigmavault/Governor"
INTERFACE = "org.sigmavault.Governor1"

BORROWER = "sigmavault-ryzan"
"""The user that may borrow memory of the ZFS cache, beside root."""


class StatusKey(StrEnum):
    """Keys of the JSON that `Status` returns."""

    SINCE = "since"
    """Seconds since 1970: when what the model gets was changed last."""
    STATE = "state"
    """`idle`, `serving`, `pressed`, `scrub` or `resilver`: what the machine does."""
    CAUSE = "cause"
    """Why the model gets what it gets, as a sentence."""
    CPU_PERCENT = "cpu_percent"
    """What the model may use of the machine."""
    CPU_QUOTA_PERCENT = "cpu_quota_percent"
    """The same, in percent of one core, as systemd has it."""
    IS_APPLIED = "is_applied"
    """Whether systemd has taken it; else the last one that it took still holds."""
    NOW = "now"
    """What is seen at this moment; null where nobody can tell. See `NowKey`."""
    ARC = "arc"
    """The ZFS cache: `size`, `most`, `lent`, in bytes; null without ZFS."""
    HISTORY = "history"
    """`row_seconds`, `rows` and `changes`, the oldest first."""


class NowKey(StrEnum):
    """Keys of `StatusKey.NOW`."""

    SMB_BYTES_PER_S = "smb_bytes_per_s"
    SMB_CPU = "smb_cpu"
    """CPUs that Samba keeps busy."""
    NFS_BYTES_PER_S = "nfs_bytes_per_s"
    NFS_CALLS_PER_S = "nfs_calls_per_s"
    IDLE = "idle"
    """Part of the CPU time of the machine that nobody needs, 0 to 1."""
    MACHINE = "machine"
    """Pressure on the machine: `cpu`, `io`, `memory`, 0 to 1."""
    FILES = "files"
    """… on file serving."""
    MODEL = "model"
    """… on the model."""
    MODEL_CPU = "model_cpu"
    """CPUs that the model keeps busy."""
    SCAN = "scan"
    """`none`, `scrub` or `resilver`."""
