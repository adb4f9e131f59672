"""Ways into a folder that no link leads out of: every step is from an open folder, and none through a link.

Paths come from people, and the folders belong to users who may put a link anywhere at any moment. So nothing
here looks at a path first and uses it later.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sigmavault.core.errors import OperationError, UnknownObjectError

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class EntryKind(StrEnum):
    """What stands in a folder."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"
    """A device, a socket or a pipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something in a folder.

    Attributes:
        name: its name; bytes that are no UTF-8 are shown by their codes.
        is_exact: whether the name is the name itself, and not such a description.
        kind: what it is.
        size_bytes: of a file.
        modified_at: seconds since 1970.
        identity: what changes when it is another one, or has another content.
    """

    name: str
    is_exact: bool
    kind: EntryKind
    size_bytes: int
    modified_at: float
    identity: str

    @property
    def content(self) -> str:
        """Its size and the time of its last change: the same for a copy that is true."""
        return "-".join(self.identity.split("-")[2:4])


@contextmanager
def folder(top: Path, names: Sequence[str]) -> Iterator[int]:
    """An open folder below `top`, which itself is trusted.

    Raises:
        UnknownObjectError: a part of the way is not there, no folder, or a link.
        OperationError: it cannot be opened.
    """
    descriptor = _open(top, None, os.fspath(top), _FOLDER & ~os.O_NOFOLLOW)
    try:
        for number, name in enumerate(names):
            way = "/".join(names[: number + 1])
            below = _open(name, descriptor, way, _FOLDER)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def _open(name: str | Path, inside: int | None, way: str, flags: int) -> int:
    try:
        return os.open(name, flags, dir_fd=inside)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnknownObjectError(f"there is no folder {way!r} (links are not followed)") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise OperationError(f"{way!r} cannot be opened: {why}") from error


def entry(inside: int, name: str) -> Entry | None:
    """What stands under a name in an open folder; None for nothing.

    Raises:
        OperationError: it cannot be looked at.
    """
    try:
        return _entry(name, os.stat(name, dir_fd=inside, follow_symlinks=False))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise OperationError(f"{name!r} cannot be looked at: {why}") from error


def entries(inside: int, limit: int) -> tuple[tuple[Entry, ...], int]:
    """What stands in an open folder by name, at most `limit`; and how many more there are.

    Raises:
        OperationError: it cannot be read.
    """
    try:
        names = sorted(os.listdir(inside))
    except OSError as error:
        raise OperationError(f"the folder cannot be read: {error.strerror}") from error
    found = (entry(inside, name) for name in names[:limit])
    return tuple(each for each in found if each is not None), max(len(names) - limit, 0)


def _entry(name: str, told: os.stat_result) -> Entry:
    raw = os.fsencode(name)
    shown = raw.decode(errors="backslashreplace")
    return Entry(
        name=shown, is_exact=shown.encode() == raw, kind=_kind(told.st_mode), size_bytes=told.st_size,
        modified_at=told.st_mtime,
        identity=f"{told.st_dev:x}-{told.st_ino}-{told.st_size}-{told.st_mtime_ns}-{told.st_ctime_ns}",
    )  # fmt: skip


def _kind(mode: int) -> EntryKind:
    if stat.S_ISREG(mode):
        return EntryKind.FILE
    if stat.S_ISDIR(mode):
        return EntryKind.FOLDER
    return EntryKind.LINK if stat.S_ISLNK(mode) else EntryKind.OTHER


def require_same_device(top: Path, inside: int, way: str) -> None:
    """Raises OperationError when an open folder is on another file system than `top`."""
    if os.stat(top).st_dev != os.fstat(inside).st_dev:  # noqa: PTH116 - beside fstat
        raise OperationError(f"{way} is another dataset today")
