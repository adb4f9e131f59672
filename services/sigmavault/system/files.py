"""Small files: of the kernel, and of our own state."""

from __future__ import annotations

import os
from pathlib import Path


def read_or_empty(path: Path) -> str:
    """The file's text; empty where it is hidden by a sandbox, or this kernel has none."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def write_durably(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file so that after a power cut it is the old one or the new one, whole.

    Raises:
        OSError: it was not written; the old one is as it was.
    """
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder that everybody may read, whatever the umask; one that is there stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


def sync_folder(folder: Path) -> None:
    """Make names that were made or changed in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
