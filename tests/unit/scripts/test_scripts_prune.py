"""What the cache forgets, and what it never may."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from scripts.keep import kept
from scripts.prune import KEPT, prune, stale

_NAMES = st.sampled_from(["a", "a-b", "c"])
_KEYS = st.text("0123456789abcdef", min_size=1)
_RESULTS = st.dictionaries(st.builds("{}-{}".format, _NAMES, _KEYS), st.floats(0, 1e9))


def test_the_latest_of_each_name_stay() -> None:
    used = [("iso-1", 5.0), ("iso-2", 9.0), ("iso-3", 7.0), ("disk-1", 1.0), ("disk-2", 2.0)]
    assert stale(used, 2) == ["iso-1"]
    assert stale(used, 1) == ["disk-1", "iso-1", "iso-3"]


@given(_RESULTS, st.integers(1, 4))
def test_no_name_loses_more_than_it_may(results: dict[str, float], kept_of_each: int) -> None:
    gone = set(stale(results.items(), kept_of_each))
    for group in {name.rpartition("-")[0] for name in results}:
        members = {name: used for name, used in results.items() if name.rpartition("-")[0] == group}
        left = [used for name, used in members.items() if name not in gone]
        assert len(left) == min(len(members), kept_of_each)
        assert not left or all(used <= min(left) for name, used in members.items() if name in gone)


def put(cache: Path, name: str, used: int) -> Path:
    path = cache / name
    path.mkdir(parents=True)
    (path / "content").touch()
    os.utime(path, (used, used))
    return path


def test_old_and_unfinished_results_go_and_everything_else_stays(tmp_path: Path) -> None:
    images = [put(tmp_path, f"images/sigmavault-desktop-iso-{number}", number) for number in range(4)]
    other = put(tmp_path, "images/sigmavault-server-disk-1", 1)
    half = put(tmp_path, "layers/server-9.partial", 9)
    work = put(tmp_path, "layers/server-9.partial.work", 9)
    tools, model = put(tmp_path, "tools/0123", 0), put(tmp_path, "models/x", 0)
    assert set(prune(tmp_path)) == {images[0], images[1], half, work}
    assert all(path.is_dir() for path in (*images[2:], other, tools, model))
    assert not any(path.exists() for path in (*images[:2], half, work))


def test_what_was_used_again_stays(tmp_path: Path) -> None:
    paths = [put(tmp_path, f"images/iso-{number}", number) for number in range(KEPT["images"] + 1)]
    assert kept(paths[0])
    prune(tmp_path)
    assert [path.exists() for path in paths] == [True, False, *[True] * (KEPT["images"] - 1)]


def test_a_result_that_is_not_there_is_not_made_up(tmp_path: Path) -> None:
    assert not kept(tmp_path / "gone")
    assert not (tmp_path / "gone").exists()


def test_an_empty_cache_has_nothing_to_forget(tmp_path: Path) -> None:
    assert prune(tmp_path) == []
