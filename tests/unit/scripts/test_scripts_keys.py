"""Keys of the cache and the time a build pretends it is."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.cachekey import digest
from scripts.epoch import source_date_epoch
from scripts.process import Runner


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    base = tmp_path / "tree"
    (base / "b").mkdir(parents=True)
    (base / "a").write_text("one")
    (base / "b/c").write_text("two")
    (base / "link").symlink_to("a")
    return base


def _content(tree: Path) -> None:
    (tree / "a").write_text("ONE")


def _name(tree: Path) -> None:
    (tree / "a").rename(tree / "z")


def _mode(tree: Path) -> None:
    (tree / "a").chmod(0o755)


def _link(tree: Path) -> None:
    (tree / "link").unlink()
    (tree / "link").symlink_to("b/c")


def _link_to_file(tree: Path) -> None:
    (tree / "link").unlink()
    shutil.copy(tree / "a", tree / "link")


def _new(tree: Path) -> None:
    (tree / "b/new").touch()


def _gone(tree: Path) -> None:
    (tree / "b/c").unlink()


def _swapped(tree: Path) -> None:
    (tree / "a").write_text("two")
    (tree / "b/c").write_text("one")


@pytest.mark.parametrize("change", [_content, _name, _mode, _link, _link_to_file, _new, _gone, _swapped])
def test_what_matters_changes_the_key(change: object, tree: Path) -> None:
    assert callable(change)
    before = digest(tree)
    change(tree)
    assert digest(tree) != before


def test_times_do_not_matter(tree: Path) -> None:
    before = digest(tree)
    for path in tree.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    assert digest(tree) == before


def test_rights_beyond_executable_do_not_matter(tree: Path) -> None:
    """git keeps no others, so they differ between two clones."""
    before = digest(tree)
    (tree / "a").chmod(0o600)
    assert digest(tree) == before


def test_where_it_lies_does_not_matter(tree: Path, tmp_path: Path) -> None:
    shutil.copytree(tree, tmp_path / "elsewhere", symlinks=True)
    assert digest(tmp_path / "elsewhere") == digest(tree)


def test_what_python_leaves_does_not_matter(tree: Path) -> None:
    before = digest(tree)
    (tree / "b/__pycache__").mkdir()
    (tree / "b/__pycache__/c.pyc").write_text("x")
    assert digest(tree) == before


def test_a_missing_path_is_an_error_and_no_key(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        digest(tmp_path / "missing")


_VALUES = st.recursive(
    st.integers() | st.text() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)


@given(st.lists(_VALUES, max_size=4), st.lists(_VALUES, max_size=4))
def test_equal_values_and_only_they_have_equal_keys(first: list[object], second: list[object]) -> None:
    assert (digest(*first) == digest(*second)) == (first == second)


def runner() -> Runner:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    return Runner(log=io.StringIO(), env=env)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    (root / "image.yaml").write_text("a: 1\n")
    os.utime(root / "image.yaml", (1234, 1234))
    git(root, "init", "--quiet")
    return root


def git(root: Path, *argv: str, when: int = 0) -> None:
    date = f"@{when} +0000"
    env = {
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_DATE": date,
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
    }
    name = ["-c", "user.name=n", "-c", "user.email=e", "-c", f"safe.directory={root}"]
    subprocess.run(["git", *name, "-C", root, *argv], check=True, env=env)


def commit(root: Path, path: str, when: int) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(str(when))
    git(root, "add", path)
    git(root, "commit", "--quiet", "--message=x", when=when)


@pytest.mark.runs_programs
def test_the_epoch_is_that_of_the_last_commit_that_matters(repository: Path) -> None:
    commit(repository, "image.yaml", 1_000_000)
    commit(repository, "overlay/etc/motd", 2_000_000)
    commit(repository, "docs/x.md", 3_000_000)
    commit(repository, "tests/x.py", 4_000_000)
    assert source_date_epoch(runner(), repository) == 2_000_000


@pytest.mark.runs_programs
def test_the_epoch_of_a_checkout_that_belongs_to_somebody_else(repository: Path) -> None:
    commit(repository, "image.yaml", 1_000_000)
    for path in [repository, *repository.rglob("*")]:
        os.chown(path, 12345, 12345, follow_symlinks=False)
    assert source_date_epoch(runner(), repository) == 1_000_000


@pytest.mark.runs_programs
def test_the_epoch_before_the_first_commit_and_outside_git(repository: Path) -> None:
    assert source_date_epoch(runner(), repository) == 1234
    shutil.rmtree(repository / ".git")
    assert source_date_epoch(runner(), repository) == 1234
