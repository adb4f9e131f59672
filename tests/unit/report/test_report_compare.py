from __future__ import annotations

import io
import os

import pytest

from scripts.errors import BuildError
from scripts.host.mirror import Mirror
from scripts.paths import Paths
from scripts.process import Runner
from scripts.progress import Progress
from scripts.report import compare as module
from scripts.report.compare import compare, compare_bytes, compare_trees, list_tree, render_comparison
from scripts.session import Session


def files(tmp_path, one: bytes, other: bytes):
    (tmp_path / "a").write_bytes(one)
    (tmp_path / "b").write_bytes(other)
    return tmp_path / "a", tmp_path / "b"


def test_equal_files(tmp_path):
    found = compare_bytes(*files(tmp_path, b"same", b"same"))
    assert (found.differing, found.first) == (0, None)


def test_differing_bytes_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 4)
    found = compare_bytes(*files(tmp_path, b"0123456789", b"01234x678y"))
    assert (found.differing, found.first) == (2, 5)


@pytest.mark.parametrize(("one", "other"), [(b"0123", b"0123456"), (b"0123456", b"0123")])
def test_what_one_file_lacks_differs(tmp_path, monkeypatch, one, other):
    monkeypatch.setattr(module, "_BLOCK", 4)
    found = compare_bytes(*files(tmp_path, one, other))
    assert (found.differing, found.first) == (3, 4)


def test_trees_differ_by_content_mode_time_and_presence(tmp_path):
    for name in ("one", "other"):
        folder = tmp_path / name / "etc"
        folder.mkdir(parents=True)
        for file in ("same", "content", "mode", "time", name):
            (folder / file).write_text(name if file == "content" else "text")
            os.utime(folder / file, (1, 1))
        (folder / "link").symlink_to(name)
        os.utime(folder / "link", (1, 1), follow_symlinks=False)
        os.utime(folder, (1, 1))
    (tmp_path / "other/etc/mode").chmod(0o600)
    os.utime(tmp_path / "other/etc/time", (2, 2))
    found = compare_trees(list_tree(tmp_path / "one"), list_tree(tmp_path / "other"))
    assert found == {
        "etc/content": "content", "etc/link": "content", "etc/mode": "mode",
        "etc/one": "only in the first", "etc/other": "only in the second", "etc/time": "mtime",
    }  # fmt: skip


def test_at_most_fifty_files_are_listed(tmp_path):
    difference = compare_bytes(*files(tmp_path, b"ab", b"ac"))
    found = {"a": "mtime", **{f"f{number:03}": "content" for number in range(59)}}
    lines = list(render_comparison(difference, found))
    assert lines[0] == "sizes: 2 and 2 bytes (the same)"
    assert lines[1] == "bytes that differ: 1 of 2, the first at offset 1"
    assert lines[2] == "files that differ in the root tree: 60, of these 1 only in their time"
    assert lines[3] == "  f000: content"
    assert lines[-1] == "  and 10 more"
    assert len(lines) == 3 + 50 + 1


@pytest.fixture
def session(tmp_path) -> Session:
    return Session(
        paths=Paths(source=tmp_path, cache=tmp_path, build=tmp_path), progress=Progress(out=io.StringIO()),
        runner=Runner(log=io.StringIO(), env={}), mirror=Mirror(main="", security=""), epoch=0,
    )  # fmt: skip


def test_the_exit_code_tells(tmp_path, session):
    files(tmp_path, b"ab", b"ac")
    assert compare(session, ["a", "a"]) == 0
    assert compare(session, ["a", "b"]) == 1
    assert "bytes that differ: 1" in session.progress.out.getvalue()


def test_a_missing_image_is_named(session):
    with pytest.raises(BuildError, match="no-such"):
        compare(session, ["no-such.iso", "b"])


def test_two_images_are_needed(session):
    with pytest.raises(BuildError, match="two images"):
        compare(session, ["a"])
