"""Models in real processes: files that are wrong or gone, processes that die."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest
from sigmavault.contract.ryzan1 import State
from sigmavault.core.errors import (
    ModelError,
    ModelMissingError,
    ModelRefusedError,
    UnknownModelError,
)
from sigmavault.ryzan.pool import Pool

from tests.services.pool_run import OTHER, SMOL, TINY, Run, answer, pid, state, until


def test_a_failing_load_gives_its_reason_to_all_who_wait(run: Run, folder: Path) -> None:
    smollm2 = next(folder.glob("SmolLM2*"))
    damaged = bytearray(smollm2.read_bytes())
    damaged[-1000] ^= 1
    smollm2.unlink()
    smollm2.write_bytes(damaged)

    async def test(pool: Pool) -> None:
        answers = await asyncio.gather(*(answer(pool, SMOL) for _ in range(5)), return_exceptions=True)
        assert {type(each) for each in answers} == {ModelRefusedError}
        assert all("sha256" in str(each) for each in answers)
        assert pid(pool, SMOL) is None
        with pytest.raises(ModelRefusedError, match="sha256"):  # not hashed again
            await answer(pool, SMOL)
        damaged[-1000] ^= 1
        (folder / "fresh").write_bytes(damaged)
        (folder / "fresh").replace(smollm2)
        assert await answer(pool, SMOL) == 4

    assert run(test).load_failures == 2


def test_a_hash_is_computed_once_for_each_file(run: Run, folder: Path, monkeypatch) -> None:
    hashed = []
    real = hashlib.file_digest

    def count(*told: Any) -> Any:
        hashed.append(told)
        return real(*told)

    monkeypatch.setattr(hashlib, "file_digest", count)

    async def test(pool: Pool) -> None:
        await answer(pool, SMOL)
        await pool.unload(SMOL)
        await answer(pool, SMOL)

    run(test)
    run(test)  # the service started again
    assert len(hashed) == 1


def test_missing_and_unknown_models_are_told_apart(run: Run, folder: Path) -> None:
    next(folder.glob("SmolLM2*")).unlink()

    async def test(pool: Pool) -> None:
        with pytest.raises(ModelMissingError):
            await answer(pool, SMOL)
        for unknown in ("nobody", "local/nobody", "local/../../etc/passwd"):
            with pytest.raises(UnknownModelError):
                await answer(pool, unknown)

    run(test)


def test_files_that_are_no_models_are_not_served(run: Run, folder: Path) -> None:
    (folder / "text.gguf").write_text("GGUF, honestly")
    (folder / "bad name.gguf").write_bytes((folder / "llama-f32.gguf").read_bytes())

    async def test(pool: Pool) -> None:
        assert [each.id for each in pool.catalog.present()] == [SMOL, TINY, OTHER]

    run(test)


def test_a_pinned_model_is_loaded_once_its_file_is_there(run: Run, folder: Path, tmp_path: Path) -> None:
    manifest_file = next(folder.glob("SmolLM2*"))
    manifest_file.rename(tmp_path / "away")

    async def test(pool: Pool) -> None:
        await asyncio.sleep(0.5)
        assert state(pool, SMOL) is State.NO_MODEL
        (tmp_path / "away").rename(manifest_file)
        await until(lambda: state(pool, SMOL) is State.READY)  # nobody asked

    counters = run(test, pinned=(SMOL,))
    assert (counters.loads, counters.load_failures) == (1, 0)


def test_processes_killed_at_random_moments_leave_nothing_stuck(run: Run) -> None:
    """Sixty kills of two models' processes, with requests under way all the time."""
    chance = random.Random(3)  # noqa: S311
    ended: list[str] = []

    async def client(pool: Pool, model: str, over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                async with asyncio.timeout(30):
                    await answer(pool, model, chance.randrange(1, 60))
                ended.append("answer")
            except ModelError as error:  # what becomes a 503
                assert "ended" in error.message or "unloaded" in error.message, error
                ended.append("error")
            await asyncio.sleep(0.001)

    async def test(pool: Pool) -> None:
        over = asyncio.Event()
        clients = [asyncio.create_task(client(pool, each, over)) for each in (TINY, OTHER) for _ in range(4)]
        kills = 0
        while kills < 60:
            await asyncio.sleep(chance.uniform(0, 0.25))
            if victim := pid(pool, chance.choice((TINY, OTHER))):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                kills += 1
        over.set()
        await asyncio.wait_for(asyncio.gather(*clients), 40)
        assert list(await asyncio.gather(answer(pool, TINY), answer(pool, OTHER))) == [4, 4]
        for model in (TINY, OTHER):
            slot = pool.slot(model)
            assert slot is not None
            assert slot.requests == 0

    counters = run(test, limits={"pauses_s": [0.02]})
    assert counters.restarts + counters.loads > 20
    assert {"answer", "error"} == set(ended)


def test_a_file_that_kills_its_process_costs_one_process(run: Run, folder: Path, monkeypatch) -> None:
    """A process that ends by itself while it loads has met a file it cannot bear."""
    # llama.cpp itself is not to be crashed on demand: an interpreter that ends at once stands for it
    program = folder.parent / "crash"
    program.write_text('#!/bin/sh\necho x >> "$0.count"\nkill -SEGV $$\n')
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", os.fspath(program))

    async def test(pool: Pool) -> None:
        for _ in range(3):
            with pytest.raises(ModelRefusedError, match="signal 11 while it loaded"):
                await answer(pool, TINY)

    run(test)
    assert program.with_name("crash.count").read_text() == "x\n"
