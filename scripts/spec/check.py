"""What the shape of `image.yaml` alone cannot tell: names that must exist, things listed twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zoneinfo import available_timezones

import yaml

from scripts.spec.model import Spec, Target, Variant
from scripts.spec.select import feature_names, target_spec

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        key: path of the key in the file.
        problem: what is wrong with it.
        allowed: what would be right; empty where that cannot be listed.
    """

    key: Key
    problem: str
    allowed: str = ""


def cross_check(spec: Spec, root: Path) -> list[Finding]:
    """Everything wrong with `spec` in the checkout at `root`."""
    return [
        *_areas(spec),
        *_features(spec),
        *_packages(spec),
        *_roles(spec, root),
        *_own_packages(spec, root),
        *_overlay(spec, root),
        *_model(spec, root),
        *_time_zone(spec),
    ]


def _areas(spec: Spec) -> Iterator[Finding]:
    known = ("main", "contrib", "non-free-firmware", "non-free")
    for index, area in enumerate(spec.areas):
        if area not in known:
            yield Finding(("areas", index), f"unknown archive area {area!r}", ", ".join(known))


def _features(spec: Spec) -> Iterator[Finding]:
    known = ", ".join(sorted(spec.features))
    users: list[tuple[Key, list[str]]] = [
        (("variants", "server", "features"), spec.variants.server.features),
        (("variants", "desktop", "features"), spec.variants.desktop.features),
        (("targets", "iso", "features"), spec.targets.iso.features),
        (("targets", "disk", "features"), spec.targets.disk.features),
    ]
    for key, names in users:
        for index, name in enumerate(names):
            if name not in spec.features:
                yield Finding((*key, index), f"unknown feature {name!r}", known)
    for variant in Variant:
        if getattr(spec.variants, variant).extends == variant:
            yield Finding(("variants", variant, "extends"), "a variant cannot extend itself")
    if spec.variants.server.extends and spec.variants.desktop.extends:
        yield Finding(("variants", "server", "extends"), "the two variants extend each other")
        return
    for variant in Variant:
        names = feature_names(spec, variant, None)
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Finding(("variants", variant, "features"), f"feature listed twice: {name}")
        yield from _of_targets_and_variants(spec, variant, set(names))


def _of_targets_and_variants(spec: Spec, variant: Variant, names: set[str]) -> Iterator[Finding]:
    for target in Target:
        own = target_spec(spec, target).features
        for name in sorted({name for name in own if own.count(name) > 1 or name in names}):
            yield Finding(
                ("targets", target, "features"),
                f"feature listed twice: {name} (an image of the variant {variant} would have it twice)",
            )


def _packages(spec: Spec) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, feature in spec.features.items():
        for kind in ("packages", "own_packages"):
            for index, package in enumerate(getattr(feature, kind)):
                if package in seen:
                    where = f"features.{seen[package]}"
                    yield Finding(("features", name, kind, index),
                                  f"package listed twice: {package} is in {where} as well")  # fmt: skip
                seen[package] = name


def _roles(spec: Spec, root: Path) -> Iterator[Finding]:
    present = sorted(path.parent.parent.name for path in root.glob("roles/*/tasks/main.yml"))
    for name, feature in spec.features.items():
        if feature.role and feature.role not in present:
            yield Finding(("features", name, "role"), f"no role roles/{feature.role}/tasks/main.yml",
                          ", ".join(present))  # fmt: skip


def _own_packages(spec: Spec, root: Path) -> Iterator[Finding]:
    controls = [*root.glob("services/debian/control"), *root.glob("services/*/debian/control")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in controls)
    built = sorted(re.findall(r"^Package: (\S+)$", text, re.MULTILINE))
    for name, feature in spec.features.items():
        for index, package in enumerate(feature.own_packages):
            if package not in built:
                key = ("features", name, "own_packages", index)
                yield Finding(key, f"not built from services/: {package}", ", ".join(built))


def _overlay(spec: Spec, root: Path) -> Iterator[Finding]:
    base = root / "overlay"
    owners: dict[Path, str] = {}
    for name, feature in spec.features.items():
        for index, entry in enumerate(feature.overlay):
            key: Key = ("features", name, "overlay", index)
            if PurePosixPath(entry).is_absolute() or ".." in PurePosixPath(entry).parts:
                yield Finding(key, f"not a path below overlay/: {entry!r}")
                continue
            files = overlay_files(base, entry)
            if not files:
                yield Finding(key, f"there is no overlay/{entry}")
            for file in files:
                if file in owners:
                    yield Finding(key, f"{entry} belongs to features.{owners[file]} as well")
                owners[file] = name
    if base.is_dir():
        orphans = set(overlay_files(base, ".")) - set(owners)
        for path in sorted(orphans):
            yield Finding(("features",), f"no feature lists overlay/{path.relative_to(base)}")


def overlay_files(base: Path, entry: str) -> list[Path]:
    """The files of one overlay entry; README files describe the folder and are not installed."""
    path = base / entry
    if path.is_symlink() or path.is_file():
        return [path]
    found = (item for item in path.rglob("*") if item.is_symlink() or item.is_file())
    return sorted(item for item in found if item != base / "README.md")


def _model(spec: Spec, root: Path) -> Iterator[Finding]:
    path = root / "models-manifest.yaml"
    try:
        manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
        known = [str(entry["id"]) for entry in manifest["models"]]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        yield Finding(("model",), f"models-manifest.yaml cannot be used: {error}")
        return
    if spec.model not in known:
        yield Finding(("model",), f"unknown model {spec.model!r}", ", ".join(known))


def _time_zone(spec: Spec) -> Iterator[Finding]:
    if spec.time_zone not in available_timezones():
        yield Finding(("time_zone",), f"unknown time zone {spec.time_zone!r}", "an IANA name: Europe/Vienna")
