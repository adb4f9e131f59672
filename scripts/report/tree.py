"""What the reports read from a root tree beside dpkg's status."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

_NOT_IN_THE_IMAGE = {"dev", "proc", "run", "sys", "tmp"}
_LEVELS = 3
PYTHON = Path("usr/lib/sigmavault/python")
MODELS = Path("usr/share/sigmavault/models")


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A Python package that pip installed.

    Attributes:
        licence: what its author wrote, or empty.
        homepage: address, or empty.
    """

    name: str
    version: str
    licence: str
    homepage: str


def folder_sizes(root: Path) -> dict[str, int]:
    """Bytes in files of each folder, cut at the third level; hard links count once."""
    found: dict[str, int] = {}
    linked: set[tuple[int, int]] = set()
    for folder, info in _files(root):
        if info.st_nlink > 1:
            if (info.st_dev, info.st_ino) in linked:
                continue
            linked.add((info.st_dev, info.st_ino))
        found[folder] = found.get(folder, 0) + info.st_size
    return found


def _files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    for place, folders, names in os.walk(root):
        parts = Path(place).relative_to(root).parts
        if not parts:
            folders[:] = [name for name in folders if name not in _NOT_IN_THE_IMAGE]
        shown = "/".join(parts[:_LEVELS])
        for name in names:
            info = (Path(place) / name).lstat()
            if stat.S_ISREG(info.st_mode):
                yield shown, info


def private_python(root: Path) -> list[Distribution]:
    """The Python packages of our runtime, by name."""
    found = [_distribution(path) for path in (root / PYTHON).glob("*.dist-info/METADATA")]
    return sorted(found, key=lambda item: item.name)


def _distribution(metadata: Path) -> Distribution:
    fields = HeaderParser().parsestr(metadata.read_text(encoding="utf-8"))
    addresses = (item.split(",", 1) for item in fields.get_all("Project-URL", []))
    named = {label.strip().lower(): address.strip() for label, address in addresses}
    return Distribution(
        name=fields["Name"],
        version=fields["Version"],
        licence=fields.get("License-Expression") or fields.get("License") or "",
        homepage=fields.get("Home-page") or named.get("homepage", ""),
    )


def sha256(path: Path) -> str:
    """Hash of a file's content, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
