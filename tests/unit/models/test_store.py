from __future__ import annotations

from pathlib import Path

import pytest
from sigmavault.core.downloads.queue import DownloadState, Queue
from sigmavault.core.errors import ConfigError
from sigmavault.models.config import read_sources, way_out
from sigmavault.models.store import Store


def test_the_queue_outlives_the_daemon_and_marks_what_is_unfinished(tmp_path: Path) -> None:
    store, queue = Store(tmp_path), Queue()
    queue.add("tiny", 10)
    store.write(queue)
    assert [each.id for each in Store(tmp_path).read()] == ["tiny"]
    assert (tmp_path / "unfinished").exists()
    queue.put(queue.find("tiny").to(DownloadState.PAUSED))
    store.write(queue)
    assert not (tmp_path / "unfinished").exists()
    assert next(iter(Store(tmp_path).read())).state is DownloadState.PAUSED


def test_consent_is_given_and_taken_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for allowed in (True, True, False, False):
        store.allow_boot_disk(allowed=allowed)
        assert Store(tmp_path).boot_disk_allowed is allowed


def test_mirror_files_are_read_in_the_order_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = tmp_path / "lib/models.d", tmp_path / "etc/models.d"
    for each in (ours, theirs):
        each.mkdir(parents=True)
    (ours / "50-us.yaml").write_text("limit: 1M\nhub: false\n")
    (theirs / "20-b.yaml").write_text("limit: 2M\n")
    (theirs / "10-a.yaml").write_text(
        "mirrors: [{name: stick, kind: folder, path: /media/stick}]\nlimit: 9M\n"
    )
    (theirs / "README").write_text("no file of ours")
    monkeypatch.setenv("SIGMAVAULT_CONFIG", f"{ours.parent}:{theirs.parent}")
    found = read_sources()
    assert (found.limit, found.hub, [each.name for each in found.mirrors]) == (2 * 1024**2, False, ["stick"])


def test_a_proxy_comes_from_the_files_or_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models.d"
    folder.mkdir()
    monkeypatch.setenv("SIGMAVAULT_CONFIG", str(tmp_path))
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert way_out(read_sources()).proxy == "http://proxy:3128"
    (folder / "10.yaml").write_text('proxy: ""\n')
    assert way_out(read_sources()).proxy == ""
    (folder / "10.yaml").write_text("proxy: http://other:8080\n")
    assert way_out(read_sources()).proxy == "http://other:8080"
    (folder / "10.yaml").write_text("")
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:1")
    with pytest.raises(ConfigError, match="https_proxy is no"):
        way_out(read_sources())
