from __future__ import annotations

import logging
import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.chat import Reuse
from sigmavault.ryzan.worker import states as module
from sigmavault.ryzan.worker.states import States, hash_key, identify

TOKENS = list(range(100))
NAMED = Reuse(space="a", key="agent")
IDENTITY = b"i" * 32


def states(folder: Path | None, *, ram: int = 10**6, disk: int = 10**6, identity: bytes = IDENTITY) -> States:
    return States(identity=identity, ram_budget=ram, folder=folder, disk_budget=disk)


def write(kept: States) -> None:
    while kept.write():
        pass


def data(size: int = 5000, seed: int = 1) -> bytearray:
    return bytearray(bytes([seed]) * size)


def load(kept: States, tokens: list[int] = TOKENS, reuse: Reuse = NAMED) -> bytearray | None:
    found, _ = kept.find([*tokens, 0], reuse)
    return kept.load(found) if found else None


def test_named_state_is_found_by_the_next_process(tmp_path: Path) -> None:
    first = states(tmp_path, disk=10**7)
    first.keep(TOKENS, NAMED, data(3 * module._WRITE_BYTES + 7), on_disk=True)
    write(first)
    second = states(tmp_path)
    assert load(second) == data(3 * module._WRITE_BYTES + 7)
    assert second.disk_bytes == first.disk_bytes == sum(each.stat().st_size for each in tmp_path.iterdir())
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load(second, reuse=Reuse(space="a")) is None, "another process cannot know whose it was"
    assert load(second, reuse=Reuse(space="a", key="other")) is None
    assert load(states(tmp_path, identity=b"o" * 32)) is None
    assert file.exists(), "states of another model are left alone"


@given(st.booleans(), st.integers(0, 10**6), st.integers(1, 255))
def test_damaged_file_is_deleted_and_never_loaded(is_cut: bool, place: int, change: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = states(folder)
        first.keep(TOKENS, NAMED, data(300), on_disk=True)
        write(first)
        (file,) = folder.iterdir()
        damaged = bytearray(file.read_bytes())
        if is_cut:
            del damaged[place % len(damaged) :]
        else:
            damaged[place % len(damaged)] ^= change
        later = states(folder)  # it saw the file while it was sound
        for kept in (later, None):
            file.write_bytes(damaged)
            assert load(kept or states(folder)) is None
        # a file whose name's hash was altered belongs to another name; else it is gone
        assert not file.exists() or load(states(folder)) is None


def test_memory_stays_within_its_budget(tmp_path: Path) -> None:
    kept = states(tmp_path, ram=30_000)
    for number in range(20):
        kept.keep([number, *TOKENS], Reuse(space="a"), data(5000))
        assert kept.ram_bytes <= 30_000
    assert load(kept, [19, *TOKENS], Reuse(space="a")) is not None
    assert load(kept, [0, *TOKENS], Reuse(space="a")) is None
    kept.keep(TOKENS, Reuse(space="a"), data(50_000))
    assert kept.ram_bytes <= 30_000


def test_disk_stays_within_its_budget_and_loses_what_is_oldest(tmp_path: Path) -> None:
    kept = states(tmp_path, ram=0, disk=20_000)
    (tmp_path / "somebody-elses.state").write_bytes(b"x" * 8000)
    os.utime(tmp_path / "somebody-elses.state", (1, 1))
    for number in range(6):
        kept.keep([number, *TOKENS], NAMED, data(5000), on_disk=True)
        write(kept)
        assert kept.disk_bytes == sum(each.stat().st_size for each in tmp_path.iterdir()) <= 20_000
    assert not (tmp_path / "somebody-elses.state").exists()
    assert load(kept, [5, *TOKENS]) == data()
    assert load(kept, [0, *TOKENS]) is None
    kept.keep([7, *TOKENS], NAMED, data(30_000), on_disk=True)
    write(kept)
    assert load(states(tmp_path), [7, *TOKENS]) is None
    assert load(states(tmp_path), [5, *TOKENS]) == data(), "what can never fit pushes nothing out"


def test_full_disk_is_told_once_and_changes_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def full(descriptor: int, block: bytes) -> int:
        if len(block) > 1000:
            raise OSError(28, "No space left on device")
        return real(descriptor, block)

    kept = states(tmp_path)
    monkeypatch.setattr(os, "write", full)
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            kept.keep([number, *TOKENS], NAMED, data(), on_disk=True)
            write(kept)
    assert [each.message for each in caplog.records] == [
        "states of prompts are not kept on disk: No space left on device"
    ]
    assert list(tmp_path.iterdir()) == []
    assert load(kept, [2, *TOKENS]) == data(), "it is in memory"
    monkeypatch.undo()
    kept.keep([9, *TOKENS], NAMED, data(), on_disk=True)
    write(kept)
    assert len(list(tmp_path.iterdir())) == 1


def test_folder_that_cannot_be_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = states(tmp_path / "file/none")
    kept.keep(TOKENS, NAMED, data(), on_disk=True)
    write(kept)
    assert load(kept) == data()


def test_torn_parts_and_nonsense_are_cleared_away(tmp_path: Path) -> None:
    for name in ("a.part", "b.state"):
        (tmp_path / f"{IDENTITY.hex()[:16]}-{name}").write_bytes(b"x")
    assert states(tmp_path).disk_bytes == 0
    assert list(tmp_path.iterdir()) == []


def test_longer_state_replaces_its_beginning(tmp_path: Path) -> None:
    kept = states(tmp_path)
    kept.keep(TOKENS, Reuse(space="a"), data())
    kept.keep([*TOKENS, 1, 2], Reuse(space="a"), data(seed=2))
    kept.keep([*TOKENS, 1, 2], Reuse(space="b"), data(seed=3))
    assert load(kept, TOKENS, Reuse(space="a")) == data(seed=2)
    assert kept.ram_bytes < 12_000


def test_identity_changes_with_the_file_and_with_what_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "model"
    seen = set()
    for content in (b"a" * 100, b"b" * 100, b"b" * 101):
        file.write_bytes(content)
        os.utime(file, (1, 1))
        seen |= {identify(file, "1"), identify(file, "2")}
    assert len(seen) == 6
    assert identify(file, "1") == identify(file, "1")


def test_no_name_is_no_key() -> None:
    assert hash_key("") == b""
    assert hash_key("a") != hash_key("b")
