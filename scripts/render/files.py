"""Writing rendered files: modes that git keeps, templates that fail on an unknown name."""

from __future__ import annotations

import shutil
from pathlib import Path

import jinja2

from scripts.spec.select import Image


def write(path: Path, text: str, *, executable: bool = False) -> None:
    """Write a text file, making its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755 if executable else 0o644)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file or a symbolic link, with mode 0755 or 0644 as git would."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def template(path: Path, image: Image) -> str:
    """A Jinja template filled in for `image`."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True,
        lstrip_blocks=True, autoescape=False,  # noqa: S701 - shell and INI files, from our own spec
    )  # fmt: skip
    return environment.from_string(path.read_text(encoding="utf-8")).render(image=image, spec=image.spec)
