"""The supervisor with a real model process and short limits."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import Conversation, Finished, GenerateRequest, Message, Role, Sampling
from sigmavault.core.errors import ModelTimeoutError, WorkerLostError
from sigmavault.core.residency import Size
from sigmavault.ryzan.config import Limits
from sigmavault.ryzan.supervisor import Launch, Supervisor, Ticket

from tests.services.daemon import SERVICES

REQUEST = GenerateRequest(
    prompt=Conversation(messages=(Message(role=Role.USER, content="Hello"),)),
    sampling=Sampling(temperature=0, top_p=1, top_k=0, min_p=0, seed=1),
    max_tokens=8,
    stop=(),
)

type Test = Callable[[Supervisor], Awaitable[None]]


@pytest.fixture
def supervise(
    smollm2: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Limits, Test], list[State]]:
    monkeypatch.setenv("PYTHONPATH", os.fspath(SERVICES))
    monkeypatch.setenv("SIGMAVAULT_RUNTIME", os.fspath(runtime))
    launch = Launch(model="smollm2", file=smollm2, size=Size(context=4096, reuse=0, need=0))

    def run(limits: Limits, test: Test) -> list[State]:
        states: list[State] = []

        async def live() -> None:
            supervisor = Supervisor(launch, limits, lambda: states.append(supervisor.state), lambda: None)
            supervisor.start()
            try:
                await asyncio.wait_for(test(supervisor), 60)
            finally:
                await supervisor.stop()
            assert supervisor.pid is None
            assert states.pop() is State.UNLOADED

        asyncio.run(live())
        return states

    return run


async def finish(ticket: Ticket) -> Finished:
    while not isinstance(event := await ticket.next(), Finished):
        pass
    return event


async def enters(supervisor: Supervisor, state: State) -> None:
    while supervisor.state is not state:
        await asyncio.sleep(0.01)


def test_hung_process_is_killed_and_replaced(supervise: Callable[[Limits, Test], list[State]]) -> None:
    async def test(supervisor: Supervisor) -> None:
        await supervisor.ready()
        hung = supervisor.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        ticket = await supervisor.ask(REQUEST)
        with pytest.raises(WorkerLostError):
            await finish(ticket)
        assert "did not answer for" in supervisor.reason or supervisor.state is not State.READY
        assert (await finish(await supervisor.ask(REQUEST))).completion_tokens > 0
        assert supervisor.pid not in (None, hung)

    states = supervise(Limits(stall_s=1.0, pauses_s=(0.1,)), test)
    assert states == [State.LOADING, State.READY, State.RESTARTING, State.LOADING, State.READY]


def test_idle_process_is_not_taken_for_a_hung_one(
    supervise: Callable[[Limits, Test], list[State]],
) -> None:
    async def test(supervisor: Supervisor) -> None:
        await supervisor.ready()
        before = supervisor.pid
        await asyncio.sleep(1.0)
        assert supervisor.pid == before

    assert supervise(Limits(stall_s=0.2), test) == [State.LOADING, State.READY]


def test_pauses_between_restarts_grow(supervise: Callable[[Limits, Test], list[State]]) -> None:
    async def test(supervisor: Supervisor) -> None:
        loop = asyncio.get_running_loop()
        waited = []
        for _ in range(3):
            await supervisor.ready()
            assert supervisor.pid is not None
            os.kill(supervisor.pid, signal.SIGKILL)
            await enters(supervisor, State.RESTARTING)
            since = loop.time()
            await enters(supervisor, State.LOADING)
            waited.append(loop.time() - since)
        assert waited[0] < 0.5 < waited[1] < 1.2 < waited[2]

    supervise(Limits(pauses_s=(0.1, 0.7, 1.4)), test)


def test_wait_for_a_loading_model_is_bounded(
    supervise: Callable[[Limits, Test], list[State]],
) -> None:
    async def test(supervisor: Supervisor) -> None:
        with pytest.raises(ModelTimeoutError):
            await supervisor.ask(REQUEST)
        assert supervisor.requests == 0

    supervise(Limits(load_wait_s=0.01), test)


def test_cancelled_requests_leave_nothing(
    supervise: Callable[[Limits, Test], list[State]],
) -> None:
    async def test(supervisor: Supervisor) -> None:
        for number in range(40):
            ticket = await supervisor.ask(REQUEST)
            for _ in range(number % 3):
                await ticket.next()
            ticket.cancel()
        assert supervisor.requests == 0
        # all sequences of the process are free again: as many answers as it has, and they all come
        tickets = [await supervisor.ask(REQUEST) for _ in range(16)]
        assert all(each.completion_tokens > 0 for each in await asyncio.gather(*map(finish, tickets)))

    supervise(Limits(), test)
