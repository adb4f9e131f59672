"""Names of things on a NAS, as types of arguments: what a new name may be, and what an old one can be.

A name never begins with `-`, so that no program takes it for an option. New names are narrower than what ZFS
allows (zpoolconcepts(7), zfsconcepts(7)): they have to work as a folder, in Samba and in exports(5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

_RESERVED: Final = re.compile(r"mirror|raidz|draid|spare|log|cache|special|dedup|c[0-9]")

# pydantic's `$` is the end of the text, never the place before a last line feed
_PART = r"[A-Za-z0-9][A-Za-z0-9_.:-]*(?: +[A-Za-z0-9_.:-]+)*"
_ROOT = r"[A-Za-z][A-Za-z0-9_.:-]*(?: +[A-Za-z0-9_.:-]+)*"
_TAG = r"[A-Za-z0-9][A-Za-z0-9_.:-]*"
_POOL = rf"^{_ROOT}$"
_NEW_POOL = r"^[A-Za-z][A-Za-z0-9_-]*$"
_DATASET = rf"^{_ROOT}(?:/{_PART})*$"
_CHILD = rf"^{_ROOT}(?:/{_PART})+$"
_SNAPSHOT = rf"^{_ROOT}(?:/{_PART})*@{_TAG}$"
_SNAPSHOT_TAG = rf"^{_TAG}$"
_DISK = r"^[A-Za-z0-9][A-Za-z0-9_.:+@=,-]*$"
_SHARE = r"^[A-Za-z0-9][A-Za-z0-9_-]*(?: [A-Za-z0-9_-]+)*$"
_USER = r"^[a-z][a-z0-9_-]*$"

MEANINGS: Final[Mapping[str, str]] = {
    _POOL: "the name of a pool: letters, digits, `_`, `.`, `:`, `-` and inner spaces, a letter first",
    _NEW_POOL: "letters, digits, `_` and `-`, a letter first",
    _DATASET: "a dataset such as `tank/photos`: letters, digits, `_`, `.`, `:`, `-` and inner spaces",
    _CHILD: "a dataset below a pool, such as `tank/photos`",
    _SNAPSHOT: "a snapshot such as `tank/photos@before-cleaning`",
    _SNAPSHOT_TAG: "letters, digits, `_`, `.`, `:` and `-`, a letter or digit first",
    _DISK: "a name of /dev/disk/by-id or a serial: letters, digits and `_.:+@=,-`",
    _SHARE: "letters, digits, `_`, `-` and single inner spaces, a letter or digit first",
    _USER: "small letters, digits, `_` and `-`, a letter first",
}
"""What each pattern asks for, in words."""

LISTED: Final[Mapping[str, str]] = {
    _POOL: "pool", _DATASET: "dataset", _CHILD: "dataset", _SNAPSHOT: "snapshot", _DISK: "disk",
    _SHARE: "share", _USER: "user",
}  # fmt: skip
"""Which noun has the list of the names of a pattern: what can be offered while somebody types."""


def _not_reserved(name: str) -> str:
    if _RESERVED.match(name):
        raise ValueError("must not begin with a word that ZFS keeps for itself (mirror, raidz, log, c0, …)")
    return name


def _no_way_up(name: str) -> str:
    if any(part in {".", ".."} for part in name.split("/")):
        raise ValueError("must not have `.` or `..` as a part")
    return name


PoolName = Annotated[str, Field(pattern=_POOL, max_length=200)]
"""The name of a pool that is there."""
NewPoolName = Annotated[str, Field(pattern=_NEW_POOL, max_length=32), AfterValidator(_not_reserved)]
"""A name for a new pool."""
DatasetName = Annotated[str, Field(pattern=_DATASET, max_length=200), AfterValidator(_no_way_up)]
"""A dataset with its pool; the pool alone is its root dataset. ZFS takes 255 bytes: room for snapshots."""
ChildName = Annotated[str, Field(pattern=_CHILD, max_length=200), AfterValidator(_no_way_up)]
"""A dataset below a pool."""
SnapshotName = Annotated[str, Field(pattern=_SNAPSHOT, max_length=250), AfterValidator(_no_way_up)]
"""A snapshot with its dataset."""
SnapshotTag = Annotated[str, Field(pattern=_SNAPSHOT_TAG, max_length=100)]
"""What stands after the `@` of a snapshot; also the tag of a hold."""
DiskName = Annotated[str, Field(pattern=_DISK, max_length=255)]
"""A disk by its name in /dev/disk/by-id or its serial; never `sdb`, which is another disk tomorrow."""
ShareName = Annotated[str, Field(pattern=_SHARE, max_length=64)]
"""A share of files."""
UserName = Annotated[str, Field(pattern=_USER, max_length=31)]
"""A user or a group (useradd(8))."""
