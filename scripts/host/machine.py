"""Whether this machine can do what is asked: rights, programs, room on its disks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scripts.errors import HostError

BUILDS = ("iso", "disk", "debs", "test", "test-desktop", "bench-build", "bench-ryzan", "compare")
"""Verbs that fill the cache; everything else only needs the tools tree."""

_GB = 10**9
_COLD, _WARM, _TOOLS, _OUTPUT = 25 * _GB, 8 * _GB, 4 * _GB, 4 * _GB
"""Bytes that empty and filled caches, the tools tree and the finished images take at their peak."""
DISK_FULL = "make clean-cache empties the cache, CACHE=/other/disk moves it"
_PROGRAMS = ("unshare", "setpriv", "mount", "umount", "pivot_root")


def check_machine(verb: str, source: Path, cache: Path) -> None:
    """Refuse before anything is touched.

    Raises:
        HostError: not root, a program is missing, or a disk has too little room.
    """
    if os.geteuid() != 0:
        raise HostError(f"`make {verb}` needs root", f"sudo make {verb}")
    for program in _PROGRAMS:
        if shutil.which(program) is None:
            raise HostError(f"the program {program} is missing", "apt install util-linux")
    _check_room(cache, _cache_need(verb, cache))
    if verb in BUILDS:
        _check_room(source, _OUTPUT)


def _cache_need(verb: str, cache: Path) -> int:
    if verb in BUILDS:
        return _WARM if _holds_folders(cache / "layers") else _COLD
    return 0 if _holds_folders(cache / "tools") else _TOOLS


def _holds_folders(folder: Path) -> bool:
    return folder.is_dir() and any(item.is_dir() and item.suffix != ".partial" for item in folder.iterdir())


def _check_room(folder: Path, need: int) -> None:
    existing = next(path for path in [folder, *folder.parents] if path.exists())
    free = shutil.disk_usage(existing).free
    if free < need:
        raise HostError(
            f"{existing} has {free / _GB:.1f} GB free, this needs {need / _GB:.0f} GB",
            DISK_FULL,
        )
