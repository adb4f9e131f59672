"""Results enter the cache whole: flushed first, named then."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.keep import keep


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was flushed and named, in order."""
    events: list[str] = []
    rename = Path.rename

    def fsync(descriptor: int) -> None:
        events.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    def renamed(self: Path, target: Path) -> Path:
        events.append("named")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "sync", lambda: events.append("everything"))
    monkeypatch.setattr(Path, "rename", renamed)
    return events


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    folder = tmp_path / "x.partial"
    (folder / "sub").mkdir(parents=True)
    (folder / "image").write_text("1")
    (folder / "sub/report").write_text("2")
    (folder / "dangling").symlink_to("nowhere")
    return folder


def test_all_that_it_holds_is_flushed_before_it_gets_its_name(
    partial: Path, tmp_path: Path, order: list[str]
) -> None:
    keep(partial, tmp_path / "x")
    named = order.index("named")
    assert set(order[:named]) == {"image", "report", "sub", "x.partial"}
    assert order[named + 1 :] == [tmp_path.name]
    assert (tmp_path / "x/sub/report").read_text() == "2"
    assert not partial.exists()


def test_many_files_are_flushed_at_once(partial: Path, tmp_path: Path, order: list[str]) -> None:
    for number in range(300):
        (partial / str(number)).touch()
    keep(partial, tmp_path / "x")
    assert order == ["everything", "named", tmp_path.name]


def test_an_older_result_is_never_mixed_with_a_new_one(partial: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/old").touch()
    with pytest.raises(OSError, match="not empty"):
        keep(partial, tmp_path / "x")
