"""Mounts of this machine, without asking ZFS: a suspended pool holds none of this back."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from sigmavault.core.operation import Machine
from sigmavault.core.sharing import mounts as mount_values
from sigmavault.system.files import read_or_empty

_TABLE = "proc/self/mountinfo"
_OPEN_TREE = 428  # <asm/unistd.h>, the same on all 64-bit machines; Python has no name for it
_AT_FDCWD = -100
_OPEN_TREE_CLONE = 1
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def table(machine: Machine) -> str:
    """The text of /proc/self/mountinfo."""
    return read_or_empty(machine.root / _TABLE)


def datasets(machine: Machine) -> Mapping[str, str]:
    """Dataset → where it is mounted."""
    return mount_values.parse_mountinfo(table(machine))


def root_kind(machine: Machine) -> str:
    """The kind of file system that `/` is."""
    return mount_values.root_kind(table(machine))


class MountWatch:
    """Waits until something is mounted or unmounted (proc(5): poll on mountinfo gives POLLPRI)."""

    def __init__(self, root: Path = Path("/")) -> None:
        """`root` is where /proc lies."""
        self._file = (root / _TABLE).open("rb")
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLPRI)

    def wait(self, timeout_s: float | None) -> bool:
        """Whether there was a change since the last call, at most so many seconds from now (None: no end)."""
        return bool(self._poll.poll(None if timeout_s is None else timeout_s * 1000))

    def close(self) -> None:
        """Stop watching."""
        self._file.close()


def close_covered(mountpoint: Path) -> bool:
    """Take all rights from the empty folder that a mount covers, so that nobody but root gets in without it.

    The folder is left alone unless it is empty and belongs to root. Returns whether it is closed now.

    Raises:
        OSError: the kernel does not let us look, or change it.
    """
    with _covered(mountpoint) as folder:
        if folder is None or _is_closed(folder):
            return True
        if os.fstat(folder).st_uid != 0 or _has_content(folder):
            return False
        os.fchmod(folder, 0)
        return True


def is_covered_closed(mountpoint: Path) -> bool:
    """Whether nobody but root would get in, were the dataset not mounted.

    Raises:
        OSError: the kernel does not let us look.
    """
    with _covered(mountpoint) as folder:
        return folder is None or _is_closed(folder)


def _has_content(folder: int) -> bool:
    with os.scandir(folder) as inside:
        return next(inside, None) is not None


def _is_closed(folder: int) -> bool:
    return stat.S_IMODE(os.fstat(folder).st_mode) == 0


@contextlib.contextmanager
def _covered(mountpoint: Path) -> Iterator[int | None]:
    """The folder under a mount: a copy of the mount above, without those inside, shows it (open_tree(2))."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC
    above = call(_OPEN_TREE, _AT_FDCWD, os.fsencode(mountpoint.parent), flags)
    if above < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(mountpoint.parent))
    try:
        folder = os.open(mountpoint.name, _FOLDER, dir_fd=above)
    except FileNotFoundError:
        yield None
        return
    finally:
        os.close(above)
    try:
        yield folder
    finally:
        os.close(folder)
