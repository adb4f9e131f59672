"""Many models in real processes: loaded when asked for, unloaded when idle or in the way."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import Finished, GenerateRequest, Sampling, Text
from sigmavault.core.errors import (
    ModelBusyError,
    ModelError,
    ModelMissingError,
    ModelRefusedError,
    ModelTimeoutError,
    NotEnoughMemoryError,
    UnknownModelError,
)
from sigmavault.core.manifest import parse_manifest
from sigmavault.core.values import MIB
from sigmavault.ryzan.catalog import Catalog
from sigmavault.ryzan.config import Settings
from sigmavault.ryzan.counters import Counters
from sigmavault.ryzan.pool import Pool
from sigmavault.ryzan.vetting import Vetting
from sigmavault.system import memory

from tests.services import models
from tests.services.daemon import SERVICES, SOURCE

type Test = Callable[[Pool], Awaitable[None]]
type Run = Callable[..., Counters]

SMOL = "smollm2-135m-instruct"
TINY = "local/llama-f32"
OTHER = "local/llama-q8_0"
LIMITS = {"pauses_s": [0.1, 0.2], "look_s": 0.1, "sequences": 4, "context_tokens": 1024}


def request(tokens: int = 4) -> GenerateRequest:
    return GenerateRequest(
        prompt=Text(text="Once upon a time"),
        sampling=Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=1),
        max_tokens=tokens,
    )


async def answer(pool: Pool, model: str, tokens: int = 4) -> int:
    """Tokens of a whole answer."""
    async with pool.use(model) as supervisor:
        ticket = await supervisor.ask(request(tokens))
    while not isinstance(event := await ticket.next(), Finished):
        pass
    return event.completion_tokens


def pid(pool: Pool, model: str) -> int | None:
    slot = pool.slot(model)
    return slot.supervisor.pid if slot and slot.supervisor else None


def state(pool: Pool, model: str) -> State:
    return pool.state(pool.catalog.find(model))[0]


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


@pytest.fixture
def folder(tmp_path: Path, smollm2: Path) -> Path:
    """A models folder with SmolLM2 of the manifest and two tiny models that somebody put there."""
    made = tmp_path / "models"
    made.mkdir()
    (made / smollm2.name).symlink_to(smollm2)
    models.make("llama-f32", made)
    models.make("llama-q8_0", made)
    return made


@pytest.fixture
def run(folder: Path, runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PYTHONPATH", os.fspath(SERVICES))
    monkeypatch.setenv("SIGMAVAULT_RUNTIME", os.fspath(runtime))
    manifest = parse_manifest(yaml.safe_load((SOURCE / "models-manifest.yaml").read_text()), "manifest")

    def live(test: Test, *, pinned: tuple[str, ...] = (), **sections: Mapping[str, Any]) -> Counters:
        told = {**sections, "limits": {**LIMITS, **sections.get("limits", {})}}
        settings = Settings.model_validate(told, strict=False)
        counters = Counters()

        async def main() -> None:
            vetting = Vetting(tmp_path / "verified.json")
            catalog = Catalog(manifest, [folder], vetting)
            pool = Pool(catalog, vetting, settings, pinned, counters, lambda: None)
            async with kept(pool):
                await asyncio.wait_for(test(pool), 120)

        asyncio.run(main())
        return counters

    return live


@contextlib.asynccontextmanager
async def kept(pool: Pool) -> AsyncIterator[None]:
    keeping = asyncio.create_task(pool.keep())
    try:
        yield
    finally:
        keeping.cancel()
        await pool.close()


def test_two_models_answer_side_by_side(run: Run) -> None:
    async def test(pool: Pool) -> None:
        assert state(pool, SMOL) is State.UNLOADED
        assert list(await asyncio.gather(answer(pool, SMOL), answer(pool, TINY))) == [4, 4]
        assert state(pool, SMOL) is state(pool, TINY) is State.READY
        assert pid(pool, SMOL) != pid(pool, TINY)

    assert run(test).loads == 2


def test_ten_requests_cause_one_load_and_none_sees_half_a_model(run: Run) -> None:
    async def test(pool: Pool) -> None:
        answers = [asyncio.create_task(answer(pool, SMOL)) for _ in range(10)]
        await until(lambda: state(pool, SMOL) is State.LOADING)
        assert await asyncio.gather(*answers) == [4] * 10

    counters = run(test)
    assert (counters.loads, counters.load_failures, counters.restarts) == (1, 0, 0)


def test_a_caller_that_leaves_does_not_take_the_load_along(run: Run) -> None:
    async def test(pool: Pool) -> None:
        first, second = (asyncio.create_task(answer(pool, SMOL)) for _ in range(2))
        await until(lambda: state(pool, SMOL) is State.LOADING)
        first.cancel()
        assert await second == 4

    assert run(test).loads == 1


def test_unloading_ends_the_process_and_the_next_request_loads_again(run: Run) -> None:
    async def test(pool: Pool) -> None:
        await answer(pool, SMOL)
        before = pid(pool, SMOL)
        await pool.unload(SMOL)
        assert state(pool, SMOL) is State.UNLOADED
        assert not Path(f"/proc/{before}").exists()
        slot = pool.slot(SMOL)
        assert slot is not None
        assert slot.need == 0
        assert await answer(pool, SMOL) == 4

    assert run(test).loads == 2


def test_a_model_that_answers_is_not_unloaded(run: Run) -> None:
    async def test(pool: Pool) -> None:
        async with pool.use(SMOL) as supervisor:
            with pytest.raises(ModelBusyError):
                await pool.unload(SMOL)
            ticket = await supervisor.ask(request(400))
        with pytest.raises(ModelBusyError):
            await pool.unload(SMOL)
        ticket.cancel()
        await pool.unload(SMOL)

    run(test)


def test_idle_models_are_unloaded_and_pinned_ones_stay(run: Run) -> None:
    async def test(pool: Pool) -> None:
        await until(lambda: state(pool, SMOL) is State.READY)
        await answer(pool, TINY)
        await until(lambda: state(pool, TINY) is State.UNLOADED)
        assert state(pool, SMOL) is State.READY

    counters = run(test, pinned=(SMOL,), models={"keep_alive_s": 1})
    assert counters.idle_unloads == 1


def test_a_pinned_model_that_is_unloaded_stays_away_until_it_is_asked_for(run: Run) -> None:
    async def test(pool: Pool) -> None:
        await until(lambda: state(pool, TINY) is State.READY)
        await pool.unload(TINY)
        await asyncio.sleep(0.5)
        assert state(pool, TINY) is State.UNLOADED
        assert await answer(pool, TINY) == 4

    run(test, pinned=(TINY,))


def budget_for(pool: Pool, *loaded: str) -> int:
    return sum(slot.need for each in loaded if (slot := pool.slot(each)))


def test_the_least_recently_used_model_makes_room(run: Run) -> None:
    needs: list[int] = []

    async def measure(pool: Pool) -> None:
        for each in (TINY, OTHER, SMOL):
            await answer(pool, each)
        needs.extend(budget_for(pool, each) for each in (TINY, OTHER, SMOL))

    run(measure, reuse={"ram_bytes": 0})

    async def test(pool: Pool) -> None:
        await answer(pool, OTHER)
        await answer(pool, TINY)
        await answer(pool, SMOL)  # the oldest goes: OTHER
        assert [state(pool, each) for each in (TINY, OTHER, SMOL)] == [
            State.READY, State.UNLOADED, State.READY
        ]  # fmt: skip

    tight = {"budget_bytes": needs[0] + needs[2] + 1, "reserve_bytes": 0}
    assert run(test, reuse={"ram_bytes": 0}, memory=tight).evictions == 1


def test_too_large_a_model_is_refused_with_figures(run: Run) -> None:
    async def test(pool: Pool) -> None:
        with pytest.raises(NotEnoughMemoryError, match=r"needs \d+ MiB, 64 MiB can be made free"):
            await answer(pool, SMOL)
        assert state(pool, SMOL) is State.FAILED
        assert pid(pool, SMOL) is None

    assert run(test, memory={"budget_bytes": 64 * MIB}).refused_memory == 1


def test_a_busy_model_is_waited_for_not_evicted(run: Run) -> None:
    async def test(pool: Pool) -> None:
        async with pool.use(SMOL) as supervisor:
            ticket = await supervisor.ask(request(300))
        waiting = asyncio.create_task(answer(pool, TINY))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        while not isinstance(await ticket.next(), Finished):
            pass
        assert await waiting == 4
        assert state(pool, SMOL) is State.UNLOADED

    memory = {"budget_bytes": 230 * MIB, "reserve_bytes": 0}
    counters = run(test, reuse={"ram_bytes": 0}, memory=memory)
    assert (counters.evictions, counters.refused_memory) == (1, 0)


def test_pinned_models_are_never_evicted(run: Run) -> None:
    async def test(pool: Pool) -> None:
        await until(lambda: state(pool, SMOL) is State.READY)
        with pytest.raises(NotEnoughMemoryError):
            await answer(pool, TINY)
        assert state(pool, SMOL) is State.READY

    memory = {"budget_bytes": 230 * MIB, "reserve_bytes": 0}
    run(test, pinned=(SMOL,), reuse={"ram_bytes": 0}, memory=memory)


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


def test_the_queue_of_each_model_is_bounded_by_itself(run: Run) -> None:
    async def test(pool: Pool) -> None:
        waiting = [asyncio.create_task(answer(pool, SMOL)) for _ in range(3)]
        await until(lambda: (slot := pool.slot(SMOL)) and slot.requests == 3)
        with pytest.raises(ModelBusyError):
            await answer(pool, SMOL)
        assert await answer(pool, TINY) == 4
        assert await asyncio.gather(*waiting) == [4] * 3

    assert run(test, limits={"requests": 3}).refused_busy == 1


def test_waiting_for_a_load_is_bounded(run: Run) -> None:
    async def test(pool: Pool) -> None:
        with pytest.raises(ModelTimeoutError):
            await answer(pool, SMOL)
        await until(lambda: state(pool, SMOL) is State.READY)  # the load itself goes on

    run(test, limits={"load_wait_s": 0.01})


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


def test_what_is_set_aside_for_a_model_is_what_it_takes(run: Run) -> None:
    """Neither too little, so that memory runs out, nor so much that a model that fits is refused."""

    async def test(pool: Pool) -> None:
        await asyncio.gather(*(answer(pool, SMOL, 30) for _ in range(4)))
        process, slot = pid(pool, SMOL), pool.slot(SMOL)
        assert process is not None
        assert slot is not None
        assert 0.8 * slot.need < memory.resident_bytes([process]) <= slot.need

    run(test, reuse={"ram_bytes": 0})


def test_available_memory_is_what_decides(run: Run) -> None:
    async def test(pool: Pool) -> None:
        with pytest.raises(NotEnoughMemoryError):
            await answer(pool, TINY)

    run(test, memory={"reserve_bytes": 1 << 50})
