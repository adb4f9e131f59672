"""Linters, with the settings of pyproject.toml: any complaint is a failure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.render.livebuild import render_livebuild
from scripts.spec.load import load_spec
from scripts.spec.model import Target, Variant
from scripts.spec.select import Image
from tests.static.repository import ROOT, complaints, files, shell

_YAML = """\
extends: relaxed
rules:
  line-length: {max: 130}
  key-duplicates: enable
  truthy: enable
  empty-values: {forbid-in-block-mappings: true}
"""


def test_ruff_finds_nothing() -> None:
    assert complaints([sys.executable, "-m", "ruff", "check", "--quiet"]) == ""


def test_python_is_formatted() -> None:
    assert complaints([sys.executable, "-m", "ruff", "format", "--check", "--quiet"]) == ""


def test_types_are_right() -> None:
    """All at once: one start of mypy serves the three trees."""
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "scripts", "services/sigmavault", "tests"]
    assert complaints(command) == ""


def test_shell_scripts_pass_shellcheck(tmp_path: Path) -> None:
    """Committed scripts, and those rendered for live-build, as they will run."""
    render_livebuild(Image(spec=load_spec(ROOT), variant=Variant.DESKTOP, target=Target.ISO), ROOT, tmp_path)
    rendered = [*(tmp_path / "auto").iterdir(), *(tmp_path / "config/hooks").rglob("*.hook.*")]
    committed = shell()
    assert len(rendered) >= 5
    assert len(committed) >= 3
    assert complaints(["shellcheck", "--", *committed, *rendered]) == ""


def test_yaml_is_clean() -> None:
    found = [path for path in files(".yaml", ".yml") if "template" not in path.name]
    assert len(found) > 10
    assert complaints(["yamllint", "--strict", "--config-data", _YAML, *found]) == ""


@pytest.mark.parametrize("path", shell(), ids=lambda path: str(path.relative_to(ROOT)))
def test_shell_scripts_stay_small_and_strict(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= 60, "logic beyond this is Python"
    wanted = "set -eu" if lines[0].endswith("/sh") else "set -euo pipefail"
    assert wanted in lines
