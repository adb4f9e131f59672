"""One owner for each path of the target, and files where the layout says."""

from __future__ import annotations

import stat
from collections import defaultdict
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
TOP = {
    ".ci", ".editorconfig", ".git", ".gitignore", "LICENSE", "Makefile", "README.md", "build", "docs",
    "image.yaml", "live-build", "mkosi.conf", "mkosi.conf.d", "mkosi.postinst", "mkosi.repart",
    "models-manifest.yaml", "overlay", "pyproject.toml", "roles", "scripts", "services", "tests",
}  # fmt: skip


def files(base: Path) -> list[Path]:
    return [item for item in base.rglob("*") if item.is_file() or item.is_symlink()]


def targets() -> dict[str, list[str]]:
    """Paths on the target, and the files of the repository that land there."""
    found: dict[str, list[str]] = defaultdict(list)
    for base in (ROOT / "overlay", ROOT / "services/data"):
        for item in files(base):
            if item.name != "README.md":
                found[f"/{item.relative_to(base)}"].append(str(item.relative_to(ROOT)))
    for base in ROOT.glob("roles/*/templates"):
        for item in files(base):
            place = str(item.relative_to(base)).removesuffix(".j2")
            found[f"/{place}"].append(str(item.relative_to(ROOT)))
    return found


def test_every_target_path_has_one_owner() -> None:
    doubled = {path: owners for path, owners in targets().items() if len(owners) > 1}
    assert not doubled


def test_our_own_files_bear_our_name() -> None:
    """What exists because of our code is recognisable on the target."""
    base = ROOT / "services/data"
    strangers = [item for item in files(base) if "sigmavault" not in str(item.relative_to(base))]
    assert not strangers


def test_programs_are_executable_and_nothing_else_is() -> None:
    wrong = []
    for base in (ROOT / "overlay", ROOT / "services/data"):
        for item in files(base):
            place = str(item.relative_to(base))
            wanted = place.startswith(("usr/bin/", "usr/libexec/", "usr/lib/zfs-linux/zed.d/"))
            if bool(item.stat().st_mode & stat.S_IXUSR) != wanted:
                wrong.append(place)
    assert not wrong


def test_no_folder_is_missing_its_way_around() -> None:
    for folder in ("overlay", "roles", "services", "services/runtime", "services/model", "tests/image"):
        text = (ROOT / folder / "README.md").read_text()
        assert len(text.splitlines()) <= 25, folder


def test_nothing_else_lies_at_the_top() -> None:
    caches = {"__pycache__", ".mypy_cache", ".ruff_cache", ".hypothesis"}
    assert {item.name for item in ROOT.iterdir()} - TOP - caches == set()


def test_every_role_says_what_it_takes() -> None:
    for tasks in ROOT.glob("roles/*/tasks/main.yml"):
        role = tasks.parents[1]
        spec = yaml.safe_load((role / "meta/argument_specs.yml").read_text())
        assert spec["argument_specs"]["main"]["short_description"], role.name


def test_every_task_is_a_sentence_with_a_full_module_name() -> None:
    for path in ROOT.glob("roles/*/tasks/*.yml"):
        for task in yaml.safe_load(path.read_text()):
            name = task["name"]
            assert name[0].isupper(), (path, name)
            assert " " in name, (path, name)
            assert any(key.startswith("ansible.builtin.") for key in task), (path, name)
