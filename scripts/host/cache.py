"""The cache as a folder of the building machine: marked as ours, and emptied only then."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.errors import HostError
from scripts.host.lock import hold

_TAG = "CACHEDIR.TAG"
# The first line is the convention by which backup programs know what they need not keep.
_TAG_TEXT = """\
Signature: 8a477f597d28d172789f06886806bc55
# Build cache of SigmaVault; `make clean-cache` empties it.
"""


def claim(cache: Path) -> None:
    """Make the cache folder, or check that an existing one is ours.

    Raises:
        HostError: it holds something else, which `make clean-cache` would remove one day.
    """
    if not (cache / _TAG).is_file():
        if cache.is_dir() and any(cache.iterdir()) and not (cache / "tools").is_dir():
            raise HostError(f"{cache} holds something else than a build cache",
                            f"CACHE={cache}/sigmavault would be a folder of its own")  # fmt: skip
        cache.mkdir(parents=True, exist_ok=True)
        (cache / _TAG).write_text(_TAG_TEXT)


def empty(cache: Path) -> None:
    """Remove what builds have put into the cache, once no build is using it.

    Raises:
        HostError: the folder is not a cache of ours, or belongs to root.
    """
    if not cache.exists():
        return
    if not (cache / _TAG).is_file():
        raise HostError(f"{cache} is not a build cache: nothing was removed", "CACHE=… names another one")
    try:
        hold(cache / "build.lock", "`make clean-cache`")
        for item in cache.iterdir():
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            elif item.name not in (_TAG, "build.lock"):
                item.unlink()
    except PermissionError as error:
        raise HostError(f"{error.filename}: it belongs to root", "sudo make clean-cache") from None
