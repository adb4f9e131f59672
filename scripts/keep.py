"""Results enter the cache whole or not at all, whenever the power goes."""

from __future__ import annotations

import os
from pathlib import Path

_FEW = 200
"""Up to so many files each is flushed by itself, which spares the disk what is about to be deleted."""


def kept(done: Path) -> bool:
    """Whether the cache has a result; finding it counts as using it (`scripts.prune`)."""
    if not done.is_dir():
        return False
    os.utime(done)
    return True


def keep(partial: Path, done: Path) -> None:
    """Give a finished folder its name in the cache, after all that it holds has reached the disk.

    Without that, a file system may keep the new name and lose the content.
    """
    files = [path for path in partial.rglob("*") if path.is_file() and not path.is_symlink()]
    if len(files) > _FEW:
        os.sync()
    else:
        folders = (path for path in partial.rglob("*") if path.is_dir() and not path.is_symlink())
        for path in [*files, *folders, partial]:
            _flush(path)
    partial.rename(done)
    _flush(done.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
