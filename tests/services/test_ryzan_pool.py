"""Many models in real processes: loaded when asked for, unloaded when idle or in the way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import Finished
from sigmavault.core.errors import (
    ModelBusyError,
    ModelTimeoutError,
    NotEnoughMemoryError,
    WorkerLostError,
)
from sigmavault.core.values import MIB
from sigmavault.ryzan.pool import Pool
from sigmavault.system import memory

from tests.services.pool_run import OTHER, SMOL, TINY, Run, answer, pid, request, state, until


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


def test_whoever_comes_too_late_starts_no_process(run: Run) -> None:
    async def test(pool: Pool) -> None:
        await answer(pool, SMOL)
        await pool.close()
        with pytest.raises(WorkerLostError, match="being stopped"):
            await answer(pool, SMOL)
        assert pid(pool, SMOL) is None

    assert run(test).loads == 1


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


def test_what_is_set_aside_for_a_model_is_what_it_takes(run: Run) -> None:
    """Neither too little, so that memory runs out, nor so much that a model that fits is refused."""

    async def test(pool: Pool) -> None:
        await asyncio.gather(*(answer(pool, SMOL, 30) for _ in range(4)))
        process, slot = pid(pool, SMOL), pool.slot(SMOL)
        assert process is not None
        assert slot is not None
        assert 0.8 * slot.need < memory.resident_bytes([process]) <= 1.1 * slot.need

    run(test, reuse={"ram_bytes": 0})


def test_available_memory_is_what_decides(run: Run) -> None:
    async def test(pool: Pool) -> None:
        with pytest.raises(NotEnoughMemoryError):
            await answer(pool, TINY)

    run(test, memory={"reserve_bytes": 1 << 50})
