"""The Debian packaging, as far as it can be read without building."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
SERVICES = ROOT / "services"
BROUGHT_ALONG = {"starlette", "pydantic_core"}
"""Libraries that python3-fastapi and python3-pydantic are made of and depend on."""


def control(path: Path) -> dict[str, str]:
    """Name of each binary package → its Depends field, on one line."""
    stanzas = (SERVICES / path).read_text().split("\n\n")
    packages = {}
    for stanza in stanzas[1:]:
        name = re.search(r"^Package: (\S+)", stanza, re.MULTILINE)
        depends = re.search(r"^Depends: ((?:.|\n )*)", stanza, re.MULTILINE)
        assert name
        assert depends
        packages[name[1]] = " ".join(depends[1].split())
    return packages


def test_the_packages_are_those_the_image_installs() -> None:
    built = {
        *control(Path("debian/control")),
        *control(Path("runtime/debian/control")),
        *control(Path("model/debian/control")),
    }
    spec = yaml.safe_load((ROOT / "image.yaml").read_text())
    installed = {name for feature in spec["features"].values() for name in feature.get("own_packages", [])}
    assert installed == built


def imported_packages(*, desktop: bool = False) -> set[str]:
    """Debian packages of the libraries that our code imports: all but the desktop's, or that alone."""
    imported = set()
    for path in (SERVICES / "sigmavault").rglob("*.py"):
        if path.is_relative_to(SERVICES / "sigmavault/desktop") is not desktop:
            continue
        imported |= set(re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE))
    foreign = imported - set(sys.stdlib_module_names) - {"sigmavault", "llama_cpp"}
    return {f"python3-{name}" for name in foreign - BROUGHT_ALONG}


def test_every_imported_library_is_depended_on() -> None:
    depends = control(Path("debian/control"))["sigmavault"]
    runtime = control(Path("runtime/debian/control"))["sigmavault-runtime"]
    missing = {name for name in imported_packages() if name not in f"{depends} {runtime}"}
    assert not missing


def test_what_the_desktop_imports_is_depended_on() -> None:
    depends = control(Path("debian/control"))["sigmavault-desktop"]
    imported = imported_packages(desktop=True)
    assert "python3-gi" in imported
    assert {name for name in imported if name not in depends} == set()
    assert "python3-gi" not in imported_packages()


def test_no_library_is_depended_on_that_nothing_imports() -> None:
    depends = control(Path("debian/control"))["sigmavault"]
    named = set(re.findall(r"python3-[a-z0-9-]+", depends))
    assert named - imported_packages() == set()


def test_no_changelog_is_committed() -> None:
    """The build writes it, with the version of image.yaml."""
    tracked = (ROOT / ".gitignore").read_text() if (ROOT / ".gitignore").exists() else ""
    for path in SERVICES.glob("**/debian/changelog"):
        assert "debian/changelog" in tracked, path


def test_the_version_of_the_programs_is_that_of_the_image() -> None:
    spec = yaml.safe_load((ROOT / "image.yaml").read_text())
    text = (SERVICES / "sigmavault/__init__.py").read_text()
    assert f'__version__ = "{spec["version"]}"' in text


def test_the_budgets_of_the_package_are_those_of_the_image() -> None:
    """A plain Debian with our packages behaves as the desktop image does."""
    shipped = tomllib.loads((SERVICES / "data/usr/lib/sigmavault/budget.toml").read_text())
    budgets = yaml.safe_load((ROOT / "image.yaml").read_text())["budgets"]
    assert shipped["model"]["cpu_percent_of_machine"] == budgets["model_cpu_percent"]
    assert shipped["model"]["cpu_percent_while_serving"] == budgets["model_cpu_serving_percent"]
    assert shipped["model"]["memory_percent"] == budgets["model_memory_percent"]
    assert shipped["arc"]["percent"] == budgets["arc_percent"]["desktop"]
