"""Keys of the cache: hashes of everything a result depends on."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path

_SKIPPED = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def digest(*parts: object) -> str:
    """A short hash of JSON-able values; paths are hashed by what they hold."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            total.update(_tree(part))
        else:
            total.update(json.dumps(part, sort_keys=True, default=str).encode())
        total.update(b"\0")
    return total.hexdigest()[:20]


def _tree(path: Path) -> bytes:
    """Hash of a file or of all files below a folder: names, modes, links, contents."""
    total = hashlib.sha256()
    for item in _walk(path):
        total.update(os.fsencode(item.relative_to(path)))
        info = item.lstat()
        total.update(str(stat.S_IMODE(info.st_mode) & 0o111).encode())
        if item.is_symlink():
            total.update(os.fsencode(item.readlink()))
        elif item.is_file():
            with item.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.digest()


def _walk(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return [path]
    found = (item for item in path.rglob("*") if not item.is_dir() or item.is_symlink())
    return sorted(item for item in found if not _SKIPPED.intersection(item.parts))
