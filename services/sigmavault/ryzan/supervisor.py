"""Keeps one model process alive and carries requests to it.

The process is started, watched, restarted with growing pauses, and killed when it hangs. Requests that
it owed an answer when it died fail with the reason; later ones wait for the next process.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import Embedded, EmbedRequest, Event, Finished, GenerateRequest
from sigmavault.core.errors import (
    InvalidRequestError,
    ModelBusyError,
    ModelMissingError,
    ModelRefusedError,
    ModelTimeoutError,
    SigmaVaultError,
    WorkerLostError,
)
from sigmavault.core.manifest import Model
from sigmavault.ryzan import wire
from sigmavault.ryzan.config import Limits
from sigmavault.system import env, run

_log = logging.getLogger(__name__)

_STEADY_S = 60.0
"""A process that lived so long was healthy: the next pause is the shortest again."""

_WORKER_ENV = {
    # Waiting threads sleep instead of spinning. Beside other work on the machine spinning costs most of
    # the speed (measured: 11 against 76 tokens per second), and the machine has other work: it is a NAS.
    "OMP_WAIT_POLICY": "passive",
}


class Ticket:
    """One request that a model process is answering."""

    def __init__(self, number: int, forget: Callable[[Ticket], None]) -> None:
        self.number = number
        self._forget = forget
        self._events: asyncio.Queue[Event | SigmaVaultError] = asyncio.Queue()

    def put(self, event: Event | SigmaVaultError) -> None:
        """Deliver what happened."""
        self._events.put_nowait(event)

    async def next(self) -> Event:
        """Wait for what happens next; `Finished` is the last event.

        Raises:
            SigmaVaultError: the request failed.
        """
        event = await self._events.get()
        if isinstance(event, SigmaVaultError):
            raise event
        return event

    def cancel(self) -> None:
        """Nobody waits for the answer any more. Harmless when it is complete."""
        self._forget(self)


@dataclass(slots=True)
class _Process:
    """A running model process."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Supervisor:
    """One model and the process that holds it."""

    def __init__(self, model: Model, limits: Limits, paths: env.Paths, on_change: Callable[[], None]) -> None:
        self.model = model
        self.state = State.LOADING
        self.reason = ""
        self.loaded: wire.Loaded | None = None
        self.stats: wire.Stats | None = None
        self._limits = limits
        self._paths = paths
        self._on_change = on_change
        self._changed = asyncio.Event()
        self._look = asyncio.Event()
        self._retry = False
        self._current: _Process | None = None
        self._tickets: dict[int, Ticket] = {}
        self._waiting = 0
        self._numbers = itertools.count(1)

    @property
    def requests(self) -> int:
        """Requests being answered or waiting."""
        return len(self._tickets) + self._waiting

    @property
    def pid(self) -> int | None:
        """The model process; None while there is none."""
        return self._current.process.pid if self._current else None

    async def ask(self, request: GenerateRequest) -> Ticket:
        """Hand a request to the model; waits while it is being loaded.

        Raises:
            ModelError: there is no model, it is not loaded in time, or too many wait already.
        """
        if self.requests >= self._limits.requests:
            raise ModelBusyError(f"{self.requests} requests are waiting already", retry_after_s=5)
        self._waiting += 1
        try:
            process = await self._wait_ready()
        finally:
            self._waiting -= 1
        ticket = Ticket(next(self._numbers), self._cancel)
        self._tickets[ticket.number] = ticket
        process.writer.write(wire.encode(wire.ask_frame(ticket.number, request)))
        return ticket

    async def embed(self, request: EmbedRequest) -> Embedded:
        """The vectors of texts.

        Raises:
            InvalidRequestError: the model makes none.
        """
        raise InvalidRequestError(f"model {self.model.id} makes no embeddings", param="model")

    async def load(self) -> None:
        """Look for the model's file now rather than at the next turn, and wait until it is loaded.

        Raises:
            ModelError: it cannot be.
        """
        self._look.set()
        if self.state in (State.NO_MODEL, State.FAILED) and self.locate() is not None:
            self._retry = True
            await self._changed.wait()
        await self._wait_ready()

    async def run(self) -> None:
        """Keep the model loaded, until cancelled."""
        failures = 0
        while True:
            file = await self._find_file()
            started = asyncio.get_running_loop().time()
            try:
                reason = await self._live(file)
            except ModelRefusedError as error:
                _log.error("model %s is refused: %s", self.model.id, error)
                self._enter(State.FAILED, error.message)
                await self._wait_for_change(file)
                continue
            lived_s = asyncio.get_running_loop().time() - started
            failures = 1 if lived_s > _STEADY_S else failures + 1
            pause = self._limits.pauses_s[min(failures, len(self._limits.pauses_s)) - 1]
            _log.error("model %s: %s; started again in %.1f s", self.model.id, reason, pause)
            self._enter(State.RESTARTING, reason)
            await asyncio.sleep(pause)

    def _enter(self, state: State, reason: str = "") -> None:
        self.state, self.reason = state, reason
        self._changed.set()
        self._changed = asyncio.Event()
        self._on_change()

    async def _wait_ready(self) -> _Process:
        try:
            async with asyncio.timeout(self._limits.load_wait_s):
                while self.state is not State.READY or self._current is None:
                    if self.state is State.NO_MODEL:
                        self._look.set()
                        raise ModelMissingError(
                            f"the file of model {self.model.id} ({self.model.file}) is not on this machine"
                        )
                    if self.state is State.FAILED:
                        self._look.set()
                        raise ModelRefusedError(self.reason)
                    await self._changed.wait()
                return self._current
        except TimeoutError as error:
            raise ModelTimeoutError(f"model {self.model.id} is not loaded yet") from error

    def locate(self) -> Path | None:
        """The model's file; None when no folder has it."""
        found = (folder / self.model.file for folder in self._paths.models)
        return next((file for file in found if file.is_file()), None)

    async def _find_file(self) -> Path:
        while (file := self.locate()) is None:
            if self.state is not State.NO_MODEL:
                self._enter(State.NO_MODEL, f"{self.model.file} is not on this machine")
            await self._look_again()
        self._retry = False
        self._enter(State.LOADING)
        return file

    async def _wait_for_change(self, file: Path) -> None:
        """Wait until the refused file is another one, or gone."""

        def identity() -> tuple[int, int, int] | None:
            with contextlib.suppress(OSError):
                stat = file.stat()
                return stat.st_ino, stat.st_size, stat.st_mtime_ns
            return None

        before = identity()
        while identity() == before and not self._retry:
            await self._look_again()

    async def _look_again(self) -> None:
        self._look.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._look.wait(), self._limits.look_s)

    async def _live(self, file: Path) -> str:
        """Start a process and carry its messages until it ends; returns why it ended.

        Raises:
            ModelRefusedError: the file cannot be loaded.
        """
        if (size := file.stat().st_size) != self.model.size:
            raise ModelRefusedError(f"{file.name} has {size} bytes, it must have {self.model.size}: damaged")
        process = await self._start(file)
        self._current = process
        try:
            return await self._carry(process)
        finally:
            self._current = None
            self.loaded = self.stats = None
            process.writer.close()
            with contextlib.suppress(ProcessLookupError):
                process.process.kill()
            await process.process.wait()
            self._fail_all()

    async def _start(self, file: Path) -> _Process:
        ours, theirs = socket.socketpair()
        with theirs:
            argv = [
                sys.executable, "-P", "-m", "sigmavault.ryzan.worker",
                f"--link={theirs.fileno()}", f"--file={os.fspath(file)}",
                f"--context={self._limits.context_tokens}", f"--sequences={self._limits.sequences}",
                f"--batch={self._limits.batch_tokens}",
            ]  # fmt: skip
            kept = env.inherited(("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "SIGMAVAULT_RUNTIME"))
            process = await run.start(argv, pass_fds=[theirs.fileno()], extra_env={**_WORKER_ENV, **kept})
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        return _Process(process=process, reader=reader, writer=writer)

    async def _carry(self, process: _Process) -> str:
        decoder = wire.Decoder()
        while True:
            patience = self._limits.load_limit_s if self.loaded is None else self._limits.stall_s
            try:
                data = await asyncio.wait_for(process.reader.read(1 << 16), patience)
            except TimeoutError:
                if self.loaded is not None and not self._tickets:
                    continue  # nothing asked, nothing said
                return f"the model process did not answer for {patience:.0f} s and was killed"
            except ConnectionError:
                data = b""
            if not data:
                status = await process.process.wait()
                return f"the model process ended with {_spell_status(status)}"
            for frame in decoder.feed(data):
                self._take(frame)

    def _take(self, frame: wire.Frame) -> None:
        fields = {key: value for key, value in frame.items() if key != "is"}
        match frame["is"]:
            case "loaded":
                self.loaded = wire.Loaded(**fields)
                self._enter(State.READY)
            case "stats":
                self.stats = wire.Stats(**fields)
            case "error" if frame["id"] is None:
                raise ModelRefusedError(frame["message"])
            case _:
                self._deliver(frame)

    def _deliver(self, frame: wire.Frame) -> None:
        ticket = self._tickets.get(frame["id"])
        if ticket is None:
            return  # cancelled while this was under way
        try:
            event = wire.read_event(frame)
        except SigmaVaultError as error:
            del self._tickets[ticket.number]
            ticket.put(error)
            return
        if isinstance(event, Finished):
            del self._tickets[ticket.number]
        ticket.put(event)

    def _cancel(self, ticket: Ticket) -> None:
        if self._tickets.pop(ticket.number, None) and self._current:
            self._current.writer.write(wire.encode(wire.cancel_frame(ticket.number)))

    def _fail_all(self) -> None:
        for ticket in self._tickets.values():
            ticket.put(WorkerLostError(f"the process of model {self.model.id} ended while it was answering"))
        self._tickets.clear()


def _spell_status(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit code {status}"
