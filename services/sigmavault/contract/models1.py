"""The contract of `org.sigmavault.Models`: bus names, keys of its JSON, states."""

from __future__ import annotations

from enum import StrEnum

from sigmavault.core.downloads.queue import DownloadState as DownloadState

USER = "sigmavault-models"
"""Who the daemon is; datasets for models let it write."""

BUS_NAME = "org.sigmavault.Models"
OBJECT_PATH = "/org/sigmavault/Models"
INTERFACE = "org.sigmavault.Models1"
JOBS_PATH = "/org/sigmavault/Models/jobs"
JOB_INTERFACE = "org.sigmavault.Models1.Job"


class Action(StrEnum):
    """Polkit actions; the policy file has the same. Looking needs none."""

    CHANGE = "org.sigmavault.models.change"


class DownloadKey(StrEnum):
    """Keys of each download that `List` returns."""

    ID = "id"
    """Of the model."""
    STATE = "state"
    """One of `DownloadState`."""
    BYTES = "bytes"
    """Of the file that are here."""
    SIZE = "size"
    """Of the file, in bytes."""
    BYTES_PER_SECOND = "bytes_per_second"
    """Of late; 0 while it does not run."""
    SECONDS_LEFT = "seconds_left"
    """null where nobody can say."""
    REASON = "reason"
    """Why it waits or has failed; empty for nothing to say."""
    SOURCE = "source"
    """Name of the mirror, or host, that it comes from; empty before the first."""


class ModelKey(StrEnum):
    """Keys of each model that `Available` returns."""

    ID = "id"
    NAME = "name"
    """What people read."""
    PURPOSE = "purpose"
    """List of what it is good for."""
    SIZE = "size"
    """Of its file, in bytes; null where not known."""
    LICENCE = "licence"
    """SPDX identifier, or LicenseRef- and its name."""
    MEMORY = "memory"
    """Bytes that it takes when loaded; null where not known."""
    WHY_NOT = "why_not"
    """Why it cannot be downloaded; empty when it can."""
    HERE = "here"
    """Whether its file is on this machine."""


class PlaceKey(StrEnum):
    """Keys of what `Place` returns."""

    PATH = "path"
    """Folder that models go to; empty for none."""
    NAME = "name"
    """What people call it: a dataset, or `the boot disk`; empty for none."""
    IS_BOOT_DISK = "is_boot_disk"
    BOOT_DISK_ALLOWED = "boot_disk_allowed"
    """Whether somebody has agreed to models on the boot disk while there is no dataset for them."""
    WHY_NOT = "why_not"
    """Why there is none; empty when there is one."""


def job_path(model: str) -> str:
    """The object of a model's download: what D-Bus does not allow in a path is spelled `_xx`."""
    label = "".join(each if each.isascii() and each.isalnum() else f"_{ord(each):02x}" for each in model)
    return f"{JOBS_PATH}/{label}"
