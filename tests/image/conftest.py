from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.spec.load import load_spec
from scripts.spec.model import Target, Variant
from scripts.spec.select import Image
from tests.image.tree import Tree

ROOT = Path(__file__).parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.image)


@pytest.fixture(scope="session")
def tree() -> Tree:
    place = os.environ.get("SIGMAVAULT_ROOT")
    if not place:
        pytest.skip("SIGMAVAULT_ROOT names no built tree")
    return Tree(Path(place).resolve())


@pytest.fixture(scope="session")
def image(tree: Tree) -> Image:
    """What image.yaml says about this tree."""
    return Image(spec=load_spec(ROOT), variant=Variant(tree.variant), target=Target(tree.target))
