"""What the pages say about values, in words. No widgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sigmavault.core.manifest import Purpose
from sigmavault.core.setup.facts import DiskFact, ModelOffer, in_words
from sigmavault.core.setup.plan import StepState
from sigmavault.core.storage.presets import Preset
from sigmavault.core.storage.topology import Layout
from sigmavault.core.values import format_bytes

LAYOUTS: Final[Mapping[Layout, str]] = {
    Layout.STRIPE: "No protection",
    Layout.MIRROR: "Mirror",
    Layout.RAIDZ1: "RAID-Z1",
    Layout.RAIDZ2: "RAID-Z2",
    Layout.RAIDZ3: "RAID-Z3",
}

PRESETS: Final[Mapping[Preset, str]] = {
    Preset.DOCUMENTS: "Files of people",
    Preset.MEDIA: "Films, music, photographs",
    Preset.BACKUP: "Backups of other machines",
    Preset.TIME_MACHINE: "Backups of Macs",
}

EVERYBODY: Final[Mapping[str, str]] = {
    "nothing": "May not see them",
    "read": "May read",
    "write": "May read and write",
}

STATES: Final[Mapping[StepState, tuple[str, str]]] = {
    StepState.WAITING: ("content-loading-symbolic", "Waiting"),
    StepState.RUNNING: ("content-loading-symbolic", "Working"),
    StepState.DONE: ("object-select-symbolic", "Done"),
    StepState.THERE: ("object-select-symbolic", "Was so already"),
    StepState.FAILED: ("dialog-error-symbolic", "Failed"),
    StepState.SKIPPED: ("action-unavailable-symbolic", "Not done"),
}
"""Icon and word of each state of a step."""

_PURPOSES: Final[Mapping[str, str]] = {
    Purpose.CHAT: "conversation", Purpose.CODE: "writing programs",
    Purpose.DRAFT: "making larger models faster", Purpose.EMBEDDING: "finding by meaning",
}  # fmt: skip

_KINDS: Final[Mapping[str, str]] = {
    "hdd": "Hard disk", "ssd": "SSD", "nvme": "NVMe", "usb": "USB", "virtual": "Virtual disk",
}  # fmt: skip


def disk_title(disk: DiskFact) -> str:
    """How a person recognises it at a glance."""
    return f"{format_bytes(disk.size_bytes)} {disk.model or _KINDS.get(disk.kind, disk.kind)}"


def disk_subtitle(disk: DiskFact) -> str:
    """Kind and serial, and why it cannot be used where it cannot."""
    parts = [_KINDS.get(disk.kind, disk.kind)]
    parts += [f"serial {disk.serial}"] if disk.serial else []
    if not disk.is_eligible:
        parts.append(disk.why_not or disk.use)
    return ", ".join(each for each in parts if each)


def model_subtitle(offer: ModelOffer) -> str:
    """What it is good for, what it takes, and what speaks against it; a line each."""
    uses = [_PURPOSES.get(each, each) for each in offer.purposes.split(", ") if each]
    size = [format_bytes(offer.size_bytes)] if offer.size_bytes else []
    takes = [f"{format_bytes(offer.memory_bytes)} of memory"] if offer.memory_bytes else []
    speed = [in_words(offer.speed)] if offer.speed else []
    lines = (
        f"For {', '.join(uses)}" if uses else "",
        ", ".join([*size, offer.licence.removeprefix("LicenseRef-"), *takes]),
        ", ".join(speed),
        f"Cannot be downloaded: {offer.why_not}" if offer.why_not else offer.caution,
    )
    return "\n".join(each for each in lines if each)
