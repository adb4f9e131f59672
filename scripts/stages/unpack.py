"""The root tree inside a finished ISO, unpacked for the tests that read it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.process import Argument
from scripts.session import Session


@contextmanager
def unpacked(session: Session, iso: Path) -> Iterator[Path]:
    """A folder with what the ISO's squashfs holds, for as long as the context lasts."""
    folder = session.paths.work / "unpacked"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    squashfs = folder / "filesystem.squashfs"
    run = session.runner.run
    try:
        with session.progress.step("Root tree out of the ISO"):
            extract: list[Argument] = ["-extract", "/live/filesystem.squashfs", squashfs]
            run(["xorriso", "-osirrox", "on", "-indev", iso, *extract])
            run(["unsquashfs", "-quiet", "-no-progress", "-dest", folder / "root", squashfs])
            squashfs.unlink()
        yield folder / "root"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
