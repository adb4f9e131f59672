"""The live-build tree of an ISO: options, package lists, overlay, boot menu, hooks."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.render.files import copy_file, template, write
from scripts.render.rolevars import role_vars
from scripts.spec.check import overlay_files
from scripts.spec.select import Image

_HEADER = "# Rendered from image.yaml: packages of the feature `{name}`.\n"


def render_livebuild(image: Image, source: Path, target: Path) -> None:
    """Write the whole tree to `target`, replacing what was there."""
    shutil.rmtree(target, ignore_errors=True)
    _auto(image, source, target)
    _package_lists(image, target)
    _overlay(image, source, target)
    _boot_menu(image, source, target)
    _hooks(source, target)
    write(target / "roles.json", role_vars(image))


def _auto(image: Image, source: Path, target: Path) -> None:
    for path in sorted((source / "live-build/auto").glob("*.j2")):
        write(target / "auto" / path.stem, template(path, image), executable=True)


def _package_lists(image: Image, target: Path) -> None:
    for order, (name, feature) in enumerate(image.features.items(), start=10):
        lines = [_HEADER.format(name=name), *(f"{item}\n" for item in sorted(feature.packages))]
        write(target / f"config/package-lists/{order}-{name}.list.chroot", "".join(lines))


def _overlay(image: Image, source: Path, target: Path) -> None:
    base = source / "overlay"
    for entry in image.overlay:
        for path in overlay_files(base, entry):
            copy_file(path, target / "config/includes.chroot_after_packages" / path.relative_to(base))


def _boot_menu(image: Image, source: Path, target: Path) -> None:
    base = source / "live-build/bootloaders"
    for path in sorted(item for item in base.rglob("*") if item.is_file()):
        place = target / "config/bootloaders" / path.relative_to(base)
        if path.suffix == ".j2":
            write(place.with_suffix(""), template(path, image))
        else:
            copy_file(path, place)


def _hooks(source: Path, target: Path) -> None:
    for path in sorted((source / "live-build/hooks").glob("*.hook.*")):
        copy_file(path, target / "config/hooks/live" / path.name)
