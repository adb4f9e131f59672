"""From the cache to the output folder: finished images and what lies beside them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from scripts.cachekey import digest
from scripts.render.rolevars import role_vars
from scripts.report.beside import image_file, size_report
from scripts.session import Session
from scripts.spec.check import overlay_files
from scripts.spec.select import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A finished image.

    Attributes:
        name: of the image and target, such as `sigmavault-desktop.iso`.
        folder: output folder with the image and its reports.
        cached: the folder in the cache that everything came from.
    """

    name: str
    folder: Path
    cached: Path


def image_key(session: Session, image: Image, stack: list[Path], debs: list[Path], parts: list[str]) -> str:
    """Hash of everything an image depends on beyond its package layers."""
    source = session.paths.source
    overlay = [path for entry in image.overlay for path in overlay_files(source / "overlay", entry)]
    return digest(
        [layer.name for layer in stack], [deb.parent.name for deb in debs], session.epoch,
        role_vars(image), image.spec.model_dump(mode="json"), source / "roles",
        [os.fspath(path.relative_to(source)) for path in overlay], *overlay,
        *(source / part for part in parts), source / "scripts/report", Path(__file__).parent,
    )  # fmt: skip


def publish(session: Session, image: Image, cached: Path) -> Built:
    """Put the image of a cache folder and its reports into the output folder."""
    out = session.paths.out
    out.mkdir(parents=True, exist_ok=True)
    name = image_file(image)
    sizes = size_report(cached, out, image)
    there = _is_there(cached, out, name)
    # The checksum comes after the image in this order: it never tells of an image that is not there.
    for path in sorted(cached.iterdir()):
        if not (there and path.name == name):
            _place(path, out / path.name)
    report = out / f"{name}.sizes"
    # A file of its own: the cached report knows of no image before it.
    report.unlink()
    report.write_text(sizes, encoding="utf-8")
    return Built(name=name, folder=out, cached=cached)


def _is_there(cached: Path, out: Path, name: str) -> bool:
    """Whether the image was published before and not touched since: it is a gigabyte to copy.

    Time and size alone would not tell: builds of one commit have the same time.
    """
    checksum = f"{name}.sha256"
    try:
        old, new = (out / name).stat(), (cached / name).stat()
        same = (out / checksum).read_text(encoding="utf-8") == (cached / checksum).read_text(encoding="utf-8")
    except OSError:
        return False
    return same and (old.st_size, old.st_mtime_ns) == (new.st_size, new.st_mtime_ns)


def _place(path: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(path)
    except OSError:
        shutil.copy2(path, target)
