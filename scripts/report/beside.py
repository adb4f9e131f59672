"""What is known only when the image file exists: its checksum, the log of its build, what grew."""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import ValidationError

from scripts.report.sizes import Sizes
from scripts.report.text import render_change, render_sizes
from scripts.report.tree import sha256
from scripts.spec.model import Target
from scripts.spec.select import Image

_SUFFIX = {Target.ISO: "iso", Target.DISK: "qcow2"}


def image_file(image: Image) -> str:
    """Name of the image's main file, such as `sigmavault-desktop.iso`; reports append to it."""
    return f"{image.name}.{_SUFFIX[image.target]}"


def complete(folder: Path, image: Image, log: Path) -> None:
    """Add to the image and the reports of its tree what still lacks: checksum, sizes, log.

    Args:
        folder: with the image and what `scripts.report` wrote.
        image: the image.
        log: full output of the build, up to now.
    """
    name = image_file(image)
    (folder / f"{name}.sha256").write_text(f"{sha256(folder / name)}  {name}\n", encoding="utf-8")
    data = folder / f"{name}.sizes.json"
    sizes = _read(data).with_image((folder / name).stat().st_size)
    data.write_text(sizes.to_json(), encoding="utf-8")
    (folder / f"{name}.sizes").write_text(render_sizes(sizes), encoding="utf-8")
    shutil.copyfile(log, folder / f"{name}.log")


def size_report(cached: Path, published: Path, image: Image) -> str:
    """The size report of an image to be published, with what changed since the one that lies there.

    An image that is published again keeps its report, which tells of the change that led to it.
    """
    name = f"{image_file(image)}.sizes"
    new = _read(cached / f"{name}.json")
    try:
        old = _read(published / f"{name}.json")
        before = (published / name).read_text(encoding="utf-8")
    except (OSError, ValidationError):
        return render_sizes(new)
    return before if old == new else f"{render_sizes(new)}\n{render_change(old, new)}"


def _read(path: Path) -> Sizes:
    return Sizes.model_validate_json(path.read_text(encoding="utf-8"))
