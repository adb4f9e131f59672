"""What becomes of kept answers when something breaks: hits are lost, nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sigmavault.core.values import MIB

from tests.services.answer_asking import Asker, play, settle, wish
from tests.services.daemon import SERVICES


@pytest.fixture(autouse=True)
def source_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.fspath(SERVICES))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "answers"


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


def test_second_process_at_one_folder_runs_without(
    folder: Path, runtime: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(asker: Asker) -> None:
        await asker.ask(wish("x"), "mine")
        second = Asker(folder, runtime)
        for _ in range(3):
            assert await second.ask(wish("x"), "not kept") is None
        await settle(lambda: second.keeper.reason)
        assert await second.ask(wish("x")) is None
        await second.cache.close()
        assert await asker.ask(wish("x")) == "mine"

    play(scene, folder, runtime)
    assert complaints(caplog) == ["answers are not kept: another process uses the folder of kept answers"]


def files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file() and each.name != "lock")


def damage(file: Path, kind: str) -> None:
    match kind:
        case "lost":
            file.unlink()
        case "short":
            os.truncate(file, file.stat().st_size // 2)
        case "junk":
            with file.open("r+b") as data:
                data.write(os.urandom(min(4096, file.stat().st_size)))


@pytest.mark.parametrize("kind", ["lost", "short", "junk"])
def test_damaged_files_cost_hits_and_nothing_else(folder: Path, runtime: Path, kind: str) -> None:
    async def first(asker: Asker) -> None:
        for number in range(8):
            await asker.ask(wish(f"{number}"), f"Answer {number}. " * 30)

    async def second(asker: Asker) -> None:
        for number in range(8):
            answer = await asker.ask(wish(f"{number}"), f"Answer {number}. " * 30)
            assert answer in (None, f"Answer {number}. " * 30)
        for _ in range(2):  # a process that died is not started again at once
            answer = await asker.ask(wish("0"))
            assert answer in (None, "Answer 0. " * 30)

    play(first, folder, runtime)
    for number in range(len(files(folder))):
        damage(files(folder)[number % len(files(folder))], kind)
        play(second, folder, runtime)


def test_a_shard_that_cannot_be_read_is_begun_anew_and_told_once(
    folder: Path, runtime: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(asker: Asker) -> None:
        await asker.ask(wish("x"), "new")
        assert await asker.ask(wish("x")) == "new"

    play(scene, folder, runtime)
    next(folder.rglob("segment.json")).write_text("{")
    play(scene, folder, runtime)
    (told,) = complaints(caplog)
    assert told.startswith("the kept answers were damaged and are begun anew")


def test_killed_cache_process_costs_hits_and_is_told_once(
    folder: Path, runtime: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(asker: Asker) -> None:
        await asker.ask(wish("x"), "answer")
        assert asker.keeper.pid is not None
        os.kill(asker.keeper.pid, signal.SIGKILL)
        for _ in range(5):
            assert await asker.ask(wish("x"), "answer") is None
        await settle(lambda: asker.keeper.reason)
        assert asker.keeper.pid is None

    play(scene, folder, runtime)
    assert complaints(caplog) == ["answers are not kept: the cache process was ended by SIGKILL"]


def test_stopped_cache_process_holds_up_one_request_for_a_moment(folder: Path, runtime: Path) -> None:
    async def scene(asker: Asker) -> None:
        await asker.ask(wish("x"), "answer")
        pid = asker.keeper.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        for _ in range(20):
            assert await asker.ask(wish("x")) is None
        assert time.monotonic() - began < 0.6
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(0.3)
        assert await asker.ask(wish("x")) == "answer"

    play(scene, folder, runtime, patience_s=0.25)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def test_full_disk_ends_the_cache_process_at_most(
    small_disk: Path, runtime: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is left free here: a write to mapped memory is a SIGBUS."""

    async def scene(asker: Asker) -> None:
        for number in range(200):
            await asker.ask(wish(f"{number}"), os.urandom(20_000).hex())
        await settle(lambda: asker.keeper.reason)

    play(scene, small_disk / "answers", runtime)
    assert complaints(caplog) == ["answers are not kept: the cache process was ended by SIGBUS"]


def test_room_is_left_on_the_disk_and_what_was_kept_is_still_given(
    small_disk: Path, runtime: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(asker: Asker) -> None:
        await asker.ask(wish("x"), "kept")
        assert await asker.ask(wish("x")) == "kept"
        (small_disk / "others").write_bytes(bytes(MIB * 3 // 2))
        for number in range(20):
            assert await asker.ask(wish(f"{number}"), "not kept") is None
        assert await asker.ask(wish("x")) == "kept"
        assert await asker.ask(wish("0")) is None

    play(scene, small_disk / "answers", runtime, reserve=2 * MIB)
    assert complaints(caplog) == ["answers are not kept: the disk is nearly full"]


def test_full_disk_at_the_start_costs_no_kept_answer(small_disk: Path, runtime: Path) -> None:
    async def scene(asker: Asker) -> None:
        await asker.ask(wish("x"), "kept")

    async def again(asker: Asker) -> None:
        assert await asker.ask(wish("x")) == "kept"

    async def full(asker: Asker) -> None:
        assert await asker.ask(wish("x")) in (None, "kept")

    place = small_disk / "answers"
    play(scene, place, runtime)
    with contextlib.suppress(OSError), (small_disk / "others").open("wb", buffering=0) as others:
        while others.write(bytes(4096)):
            pass
    play(full, place, runtime, reserve=MIB)
    (small_disk / "others").unlink()
    play(again, place, runtime, reserve=MIB)


def test_runtime_without_qdrant_is_told_once(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(asker: Asker) -> None:
        for _ in range(3):
            assert await asker.ask(wish("x"), "answer") is None

    asker = play(scene, folder, tmp_path)
    assert "qdrant_edge" in asker.keeper.reason
    assert len(complaints(caplog)) == 1
