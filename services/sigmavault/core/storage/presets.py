"""What a dataset is for, and the properties that follow. Pure.

Names of properties and their values: zfsprops(7). `casesensitivity`, `normalization` and `utf8only` hold for
the life of a dataset; the others can be changed later and then apply to what is written from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sigmavault.core.storage.datasets import OURS, PRESET

AUTOMATIC_SNAPSHOTS: Final = f"{OURS}:snapshots"
"""`off`: no policy takes snapshots of it."""


class Preset(StrEnum):
    """What a dataset is for."""

    DOCUMENTS = "documents"
    """Files of people, over SMB."""
    MEDIA = "media"
    """Large files that are written once: films, music, photographs."""
    BACKUP = "backup"
    """Backups that other machines write."""
    TIME_MACHINE = "time-machine"
    """Backups of Macs; give it a quota."""
    VIRTUAL_MACHINES = "virtual-machines"
    """Images of disks and databases: small writes in the middle of large files."""
    MODELS = "models"
    """Files of language models: read once from end to end, kept in memory by those who use them."""


_EVERYWHERE: Final = {
    "atime": "off",
    "xattr": "sa",
    # nfsv4 is accepted on Linux and does nothing; Samba keeps NT rights in extended attributes
    "acltype": "posix",
    "aclinherit": "passthrough",
    "dnodesize": "auto",
    # what lies on a share is data, never a way to other rights
    "setuid": "off",
    "devices": "off",
}
_NAMES_OF_WINDOWS_AND_MAC: Final = {"casesensitivity": "insensitive", "normalization": "formD"}
_NAMES_OF_UNIX: Final = {"casesensitivity": "sensitive"}

_OF: Final[Mapping[Preset, Mapping[str, str]]] = {
    Preset.DOCUMENTS: {"recordsize": "128K", "compression": "zstd"},
    Preset.MEDIA: {"recordsize": "1M", "compression": "lz4"},
    Preset.BACKUP: {"recordsize": "1M", "compression": "zstd"},
    # its images are compressed, or encrypted
    Preset.TIME_MACHINE: {"recordsize": "1M", "compression": "lz4", AUTOMATIC_SNAPSHOTS: "off"},
    Preset.VIRTUAL_MACHINES: {"recordsize": "32K", "compression": "lz4", "logbias": "latency"},
    # weights do not compress, and lie in the memory of those who use them: not in the ARC once more
    Preset.MODELS: {
        "recordsize": "1M", "compression": "off", "primarycache": "metadata", AUTOMATIC_SNAPSHOTS: "off",
    },
}  # fmt: skip

_UNIX_ONLY: Final = frozenset({Preset.VIRTUAL_MACHINES, Preset.MODELS})


def properties(preset: Preset, *, nfs: bool) -> Mapping[str, str]:
    """The properties of a new dataset, in the order in which they are told to ZFS.

    Args:
        preset: what it is for.
        nfs: whether it is reached over NFS as well: its names are then as Unix has them, because a program
            there may keep `Makefile` and `makefile` in one folder.
    """
    is_unix = nfs or preset in _UNIX_ONLY
    names = _NAMES_OF_UNIX if is_unix else _NAMES_OF_WINDOWS_AND_MAC
    return MappingProxyType({**_EVERYWHERE, **names, **_OF[preset], PRESET: str(preset)})
