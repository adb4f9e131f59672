"""Copies of files and folders with all that belongs to them, from one open folder into another.

Rights, owners, ACLs, extended attributes and times come along; a link is copied as the link that it is. The
copy is made under a name of its own and gets its real name last, so nobody sees half of it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable
from typing import Final

from sigmavault.core.errors import OperationError
from sigmavault.system.beneath import EntryKind, entry

type Tell = Callable[[int], None]
"""Hears how many bytes were copied so far; may raise to stop."""

_PIECE: Final = 16 * 1024 * 1024
_DEEPEST: Final = 200
"""Folders in folders: each costs an open descriptor."""
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Copier:
    """One copy being made; it counts, so that its progress can be told."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._done = 0

    def copy(self, source: int, name: str, target: int, new: str, draft: str, *, over: bool) -> None:
        """Copy `name` out of the folder `source` into the folder `target`, as `new`.

        Args:
            source: an open folder.
            name: what is in it.
            target: an open folder.
            new: the name to get.
            draft: the name to have until it is whole; what stands there is left from an earlier try.
            over: whether a file of that name is replaced; otherwise it must not be there.

        Raises:
            OperationError: it cannot be copied; nothing is left of it.
        """
        try:
            discard(target, draft)
            self._any(source, name, target, draft, 0)
            _name(target, draft, new, over=over)
            os.fsync(target)
        except OSError as error:
            raise OperationError(f"{name!r} cannot be copied: {error.strerror}") from error
        finally:
            with contextlib.suppress(OSError):
                discard(target, draft)

    def _any(self, source: int, name: str, target: int, new: str, depth: int) -> None:
        found = entry(source, name)
        match found.kind if found else None:
            case EntryKind.FILE:
                self._file(source, name, target, new)
            case EntryKind.FOLDER:
                self._folder(source, name, target, new, depth)
            case EntryKind.LINK:
                _link(source, name, target, new)
            case _:
                raise OperationError(f"{name!r} is no file, folder or link")

    def _file(self, source: int, name: str, target: int, new: str) -> None:
        # not blocking: in case it has become a pipe
        reader = os.open(name, _READ | os.O_NONBLOCK, dir_fd=source)
        try:
            writer = os.open(new, _NEW, 0o600, dir_fd=target)
            try:
                self._content(reader, writer)
                _belongings(reader, writer)
                os.fsync(writer)
            finally:
                os.close(writer)
        finally:
            os.close(reader)

    def _content(self, reader: int, writer: int) -> None:
        if not stat.S_ISREG(os.fstat(reader).st_mode):
            raise OperationError("what was a file is none any more")
        while copied := _piece(reader, writer):
            self._done += copied
            self._tell(self._done)

    def _folder(self, source: int, name: str, target: int, new: str, depth: int) -> None:
        if depth >= _DEEPEST:
            raise OperationError(f"{name!r} lies more than {_DEEPEST} folders deep")
        reader = os.open(name, _READ | os.O_DIRECTORY, dir_fd=source)
        try:
            os.mkdir(new, 0o700, dir_fd=target)
            writer = os.open(new, _READ | os.O_DIRECTORY, dir_fd=target)
            try:
                if os.fstat(writer).st_uid != os.geteuid():
                    raise OperationError(f"somebody has put another folder in the place of {new!r}")
                for each in sorted(os.listdir(reader)):  # noqa: PTH208 - an open folder
                    self._any(reader, each, writer, each, depth + 1)
                _belongings(reader, writer)
            finally:
                os.close(writer)
        finally:
            os.close(reader)


def _piece(reader: int, writer: int) -> int:
    """Copy a piece; within a pool ZFS shares the blocks instead of writing them again."""
    try:
        return os.copy_file_range(reader, writer, _PIECE)
    except OSError:  # EXDEV, EINVAL, EOPNOTSUPP: as the two file systems are; a real failure comes again
        data = os.read(reader, 1024 * 1024)
        left = memoryview(data)
        while left:
            left = left[os.write(writer, left) :]
        return len(data)


def _link(source: int, name: str, target: int, new: str) -> None:
    told = os.stat(name, dir_fd=source, follow_symlinks=False)
    os.symlink(os.readlink(name, dir_fd=source), new, dir_fd=target)
    os.chown(new, told.st_uid, told.st_gid, dir_fd=target, follow_symlinks=False)
    os.utime(new, ns=(told.st_atime_ns, told.st_mtime_ns), dir_fd=target, follow_symlinks=False)


def _belongings(reader: int, writer: int) -> None:
    """Owner, rights, ACLs and extended attributes, times. Other rights (set-user-ID) do not come back."""
    told = os.fstat(reader)
    os.fchown(writer, told.st_uid, told.st_gid)
    rights = 0o777 if stat.S_ISREG(told.st_mode) else 0o7777
    os.fchmod(writer, told.st_mode & rights)
    for attribute in os.listxattr(
        reader
    ):  # ACLs are such attributes: after the mode, which would change them
        os.setxattr(writer, attribute, os.getxattr(reader, attribute))
    os.utime(writer, ns=(told.st_atime_ns, told.st_mtime_ns))


def _name(inside: int, draft: str, new: str, *, over: bool) -> None:
    made = entry(inside, draft)
    there = entry(inside, new)
    if over:
        if there is not None and there.kind is not EntryKind.FILE:
            raise OperationError(f"{new!r} is no file, and is not replaced")
        os.rename(draft, new, src_dir_fd=inside, dst_dir_fd=inside)
    elif there is not None:
        raise OperationError(f"{new!r} is there already")
    elif made is not None and made.kind is EntryKind.FOLDER:
        # a folder has no second name; at worst an empty folder is replaced
        os.rename(draft, new, src_dir_fd=inside, dst_dir_fd=inside)
    else:
        os.link(draft, new, src_dir_fd=inside, dst_dir_fd=inside, follow_symlinks=False)


def discard(inside: int, name: str) -> None:
    """Remove what stands under a name, whatever it is, without following a link."""
    found = entry(inside, name)
    if found is None:
        return
    if found.kind is EntryKind.FOLDER:
        shutil.rmtree(name, dir_fd=inside)
    else:
        os.unlink(name, dir_fd=inside)
