"""The layers point one way: core ← system ← operations ← daemons; contract is for both ends of a bus."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "services/sigmavault"

MAY_IMPORT = {
    # pydantic checks values and does nothing else
    "core": ("sigmavault.core", "pydantic", "pydantic_core"),
    "contract": ("sigmavault.core", "sigmavault.contract"),
    "operations": (
        "sigmavault.core",
        "sigmavault.contract",
        "sigmavault.system",
        "sigmavault.operations",
        "sigmavault.__version__",
        "pydantic",
    ),
    "system": ("sigmavault.core", "sigmavault.contract", "sigmavault.system", "sdbus", "yaml"),
}


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [alias.name for alias in node.names]
            yield from (f"{node.module}.{name}" for name in names)


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_layer_imports_only_what_is_below_it(layer: str) -> None:
    files = list((PACKAGE / layer).glob("**/*.py"))
    assert files
    for file in files:
        for name in imports(file):
            standard = name.partition(".")[0] in sys.stdlib_module_names
            allowed = any(name == each or name.startswith(f"{each}.") for each in MAY_IMPORT[layer])
            assert standard or allowed, f"{file.relative_to(PACKAGE)} imports {name}"


def test_core_does_nothing_to_the_machine() -> None:
    for file in (PACKAGE / "core").glob("**/*.py"):
        assert not {"os", "subprocess", "socket", "asyncio"} & {
            each.partition(".")[0] for each in imports(file)
        }, file


def test_one_place_reads_the_environment_and_one_starts_programs() -> None:
    for file in PACKAGE.glob("**/*.py"):
        inside = set(imports(file))
        text = file.read_text()
        if file.name != "env.py":
            assert "os.environ" not in text, file
            assert "getenv" not in text, file
        if file.name != "run.py":
            assert not any(each.startswith("subprocess") for each in inside), file


def test_only_the_desktop_has_widgets_and_nothing_needs_the_desktop() -> None:
    outside = [file for file in PACKAGE.glob("**/*.py") if not file.is_relative_to(PACKAGE / "desktop")]
    for file in outside:
        for name in imports(file):
            assert not name.startswith(("gi.", "sigmavault.desktop")), f"{file.relative_to(PACKAGE)}: {name}"
            assert name != "gi", file
    draft = set(imports(PACKAGE / "desktop/setup/draft.py"))
    assert not any(name.startswith(("gi", "sigmavault.desktop.toolkit")) for name in draft)
