"""Committed renderings are current, and the same input gives the same bytes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from scripts.reference import exit_codes_page, image_yaml_page, models_d_page, ryzan_toml_page
from scripts.render.livebuild import render_livebuild
from scripts.render.mkosi import render_mkosi
from scripts.spec.load import load_spec
from scripts.spec.model import Spec, Target, Variant
from scripts.spec.select import Image, default_variant
from tests.static.repository import ROOT


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load_spec(ROOT)


def test_mkosi_conf_is_current(spec: Spec) -> None:
    image = Image(spec=spec, variant=default_variant(spec, Target.DISK), target=Target.DISK)
    assert (ROOT / "mkosi.conf").read_text() == render_mkosi(image), "make render"


@pytest.mark.parametrize(
    ("page", "render"),
    [
        ("image-yaml.md", image_yaml_page),
        ("exit-codes.md", exit_codes_page),
        ("ryzan-toml.md", ryzan_toml_page),
        ("models-d.md", models_d_page),
    ],
)
def test_reference_pages_are_current(page: str, render: object) -> None:
    assert callable(render)
    assert (ROOT / "docs/reference" / page).read_text() == render(), "make render"


@pytest.mark.parametrize("variant", Variant)
def test_two_renderings_are_the_same_bytes(spec: Spec, variant: Variant, tmp_path: Path) -> None:
    image = Image(spec=spec, variant=variant, target=Target.ISO)
    first, second = tmp_path / "here", tmp_path / "some/where else"
    render_livebuild(image, ROOT, first)
    render_livebuild(Image(spec=load_spec(ROOT), variant=variant, target=Target.ISO), ROOT, second)
    assert _content(first)
    assert _content(first) == _content(second)


def _content(tree: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(tree)): (stat.S_IMODE(path.lstat().st_mode), _bytes(path))
        for path in tree.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def _bytes(path: Path) -> bytes:
    return str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
