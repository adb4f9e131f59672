"""Keeps one model process alive and carries requests to it.

The process is started, watched, restarted with growing pauses, and killed when it hangs. Requests that
it owed an answer when it died fail with the reason; later ones wait for the next process. A file that
makes the process fail while it is loading is not tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from sigmavault.contract.ryzan1 import State
from sigmavault.core.chat import Embedded, EmbedRequest, Event, Finished, GenerateRequest
from sigmavault.core.errors import (
    ModelBusyError,
    ModelError,
    ModelRefusedError,
    ModelTimeoutError,
    SigmaVaultError,
    WorkerLostError,
)
from sigmavault.ryzan import wire
from sigmavault.ryzan.config import Limits
from sigmavault.ryzan.launch import Launch as Launch
from sigmavault.ryzan.ticket import Ticket as Ticket
from sigmavault.system import env, run

_log = logging.getLogger(__name__)

_STEADY_S = 60.0
"""A process that lived so long was healthy: the next pause is the shortest again."""

_ATTEMPTS = 3
"""Processes that may be killed from outside, one after the other, before they have loaded the model."""

_FAREWELL_S = 3.0
"""What a process that is no longer needed has to put away what it keeps."""

_WORKER_ENV = {
    # Threads that wait for each other spin, and for longer than what lies between two steps (0.2 ms with one
    # answer, 0.8 with eight: 100,000 turns are one to two). Sleeping at once costs two thirds of the speed of
    # one answer, 1,000 turns cost eight at once a fifth. libgomp's own 300,000 gain nothing more, and until
    # `crew.py` notices other programs, every turn is lost to them.
    "GOMP_SPINCOUNT": "100000",
}


@dataclass(slots=True)
class _Process:
    """A running model process."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Supervisor:
    """One model and the process that holds it."""

    def __init__(
        self, launch: Launch, limits: Limits, on_change: Callable[[], None], on_idle: Callable[[], None]
    ) -> None:
        """Of a model to be loaded.

        Args:
            launch: what its process is started with.
            limits: patience and bounds.
            on_change: called when the state has changed.
            on_idle: called when the last request has ended.
        """
        self.launch = launch
        self.state = State.LOADING
        self.reason = ""
        self.loaded: wire.Loaded | None = None
        self.stats: wire.Stats | None = None
        self.restarts = 0
        self.failure: ModelError | None = None
        self.used = time.monotonic()
        self._limits = limits
        self._on_change = on_change
        self._on_idle = on_idle
        self._changed = asyncio.Event()
        self._current: _Process | None = None
        self._tickets: dict[int, Ticket] = {}
        self._vectors: dict[int, asyncio.Future[Embedded]] = {}
        self._numbers = itertools.count(1)
        self._task: asyncio.Task[None] | None = None

    @property
    def model(self) -> str:
        """Id of the model."""
        return self.launch.model

    @property
    def requests(self) -> int:
        """Requests being answered."""
        return len(self._tickets) + len(self._vectors)

    @property
    def pid(self) -> int | None:
        """The model process; None while there is none."""
        return self._current.process.pid if self._current else None

    def start(self) -> None:
        """Begin to load the model."""
        self._task = asyncio.create_task(self._run(), name=f"supervisor {self.model}")

    async def stop(self) -> None:
        """End the process; requests that it owes an answer fail."""
        self._enter(State.UNLOADED)
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def ready(self) -> wire.Loaded:
        """Wait until the model can be asked, through restarts.

        Raises:
            ModelError: it cannot be loaded, or was unloaded.
            ModelTimeoutError: not within the time that a request may wait.
        """
        try:
            async with asyncio.timeout(self._limits.load_wait_s):
                while self.state is not State.READY or self.loaded is None:
                    if self.failure:
                        raise type(self.failure)(self.failure.message)
                    if self.state is State.UNLOADED:
                        raise WorkerLostError(f"model {self.model} was unloaded")
                    await self._changed.wait()
                return self.loaded
        except TimeoutError as error:
            raise ModelTimeoutError(f"model {self.model} is not loaded yet") from error

    async def wait_change(self) -> None:
        """Wait until the state changes."""
        await self._changed.wait()

    async def ask(self, request: GenerateRequest) -> Ticket:
        """Hand a request to the model; waits while it is being loaded.

        Raises:
            ModelError: it is not loaded in time, or too many wait already.
        """
        self._admit()
        await self.ready()
        ticket = Ticket(next(self._numbers), self._cancel)
        self._tickets[ticket.number] = ticket
        self._send(wire.ask_frame(ticket.number, request))
        return ticket

    async def embed(self, request: EmbedRequest) -> Embedded:
        """The vectors of texts; waits while the model is being loaded.

        Raises:
            InvalidRequestError: the model makes none, or not of these.
            ModelError: it is not loaded in time, too many wait already, or its process ended.
        """
        self._admit()
        await self.ready()
        number = next(self._numbers)
        vectors: asyncio.Future[Embedded] = asyncio.get_running_loop().create_future()
        self._vectors[number] = vectors
        self._send(wire.embed_frame(number, request))
        try:
            return await vectors
        finally:
            if self._vectors.pop(number, None):  # nobody waits any more
                self._send(wire.cancel_frame(number))
            self._rest()

    def _admit(self) -> None:
        if self.requests >= self._limits.requests:
            raise ModelBusyError(f"{self.requests} requests are waiting already", retry_after_s=5)

    async def _run(self) -> None:
        failures = deaths = 0
        while True:
            self._enter(State.LOADING)
            started = time.monotonic()
            try:
                reason, was_ready = await self._live()
            except ModelError as error:
                self._fail(error)
                return
            except OSError as error:
                reason, was_ready = f"no process could be started: {error.strerror}", False
                self._enter(State.RESTARTING, reason)
            deaths = 0 if was_ready else deaths + 1
            if deaths == _ATTEMPTS:
                self._fail(WorkerLostError(f"model {self.model} could not be loaded: {reason}"))
                return
            failures = 1 if time.monotonic() - started > _STEADY_S else failures + 1
            pause = self._limits.pauses_s[min(failures, len(self._limits.pauses_s)) - 1]
            _log.error("model %s: %s; started again in %.1f s", self.model, reason, pause)
            self.restarts += 1
            await asyncio.sleep(pause)

    def _fail(self, error: ModelError) -> None:
        _log.error("model %s: %s", self.model, error)
        self.failure = error
        self._enter(State.FAILED, error.message)

    def _enter(self, state: State, reason: str = "") -> None:
        self.state, self.reason = state, reason
        self._changed.set()
        self._changed = asyncio.Event()
        self._on_change()

    async def _live(self) -> tuple[str, bool]:
        """Start a process and carry its messages until it ends.

        Returns why it ended, and whether it had loaded the model.

        Raises:
            ModelRefusedError: the file cannot be loaded.
        """
        process = await self._start()
        self._current = process
        hung = True
        try:
            reason = await self._carry(process)
            was_ready = self.loaded is not None
            self._enter(State.RESTARTING, reason)  # first: who asks from now on waits for the next process
            return reason, was_ready
        except asyncio.CancelledError:
            hung = False
            raise
        finally:
            self._current = None
            self.loaded = self.stats = None
            self._fail_all()
            process.writer.close()
            await _end(process.process, patience_s=0.0 if hung else _FAREWELL_S)

    async def _start(self) -> _Process:
        ours, theirs = socket.socketpair()
        with theirs:
            kept = env.inherited(("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "SIGMAVAULT_RUNTIME"))
            process = await run.start(
                self._argv(theirs.fileno()), pass_fds=[theirs.fileno()], extra_env={**_WORKER_ENV, **kept}
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        return _Process(process=process, reader=reader, writer=writer)

    def _argv(self, link: int) -> list[str]:
        size = self.launch.size
        return [
            sys.executable, "-P", "-m", "sigmavault.ryzan.worker",
            f"--link={link}", f"--file={os.fspath(self.launch.file)}",
            f"--context={size.context}", f"--sequences={self._limits.sequences}",
            f"--batch={self._limits.batch_tokens}", f"--states-ram-bytes={size.reuse}",
            *(["--embedding"] if self.launch.embedding else []),
            *([f"--states={self.launch.states}", f"--states-bytes={self.launch.states_bytes}"]
              if self.launch.states else []),
            *self.launch.guessing,
        ]  # fmt: skip

    async def _carry(self, process: _Process) -> str:
        decoder = wire.Decoder()
        while True:
            patience = self._limits.load_limit_s if self.loaded is None else self._limits.stall_s
            try:
                data = await asyncio.wait_for(process.reader.read(1 << 16), patience)
            except TimeoutError:
                if self.loaded is not None and not self.requests:
                    continue  # nothing asked, nothing said
                return f"the model process did not answer for {patience:.0f} s and was killed"
            except ConnectionError:
                data = b""
            if not data:
                return self._judge(await process.process.wait())
            try:
                for frame in decoder.feed(data):
                    self._take(frame)
            except ModelRefusedError:
                raise
            except (SigmaVaultError, KeyError, TypeError, ValueError) as error:
                return f"the model process says what it must not ({type(error).__name__}) and was killed"

    def _judge(self, status: int) -> str:
        """Why the process ended; one that ends by itself while it loads does not like the file."""
        reason = f"the model process ended with {_spell_status(status)}"
        if self.loaded is None and status != -signal.SIGKILL:
            raise ModelRefusedError(f"{reason} while it loaded {self.launch.file.name}")
        return reason

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
        if vectors := self._vectors.pop(frame["id"], None):
            _settle(vectors, frame)
            return
        ticket = self._tickets.get(frame["id"])
        if ticket is None:
            return  # cancelled while this was under way
        event: Event | SigmaVaultError
        try:
            event = wire.read_event(frame)
        except SigmaVaultError as error:
            event = error
        if isinstance(event, Finished | SigmaVaultError):
            self._forget(ticket)
        ticket.put(event)

    def _cancel(self, ticket: Ticket) -> None:
        if self._forget(ticket):
            self._send(wire.cancel_frame(ticket.number))

    def _forget(self, ticket: Ticket) -> bool:
        found = self._tickets.pop(ticket.number, None) is not None
        if found:
            self._rest()
        return found

    def _rest(self) -> None:
        if not self.requests:
            self.used = time.monotonic()
            self._on_idle()

    def _send(self, frame: wire.Frame) -> None:
        if self._current:
            self._current.writer.write(wire.encode(frame))

    def _fail_all(self) -> None:
        lost = f"the process of model {self.model} ended while it was answering"
        for ticket in list(self._tickets.values()):
            self._forget(ticket)
            ticket.put(WorkerLostError(lost))
        for number in list(self._vectors):
            self._vectors.pop(number).set_exception(WorkerLostError(lost))


def _settle(vectors: asyncio.Future[Embedded], frame: wire.Frame) -> None:
    if vectors.done():
        return  # whoever asked has gone
    if frame["is"] == "error":
        vectors.set_exception(wire.read_error(frame))
    else:
        vectors.set_result(wire.read_embedded(frame))


async def _end(process: asyncio.subprocess.Process, *, patience_s: float) -> None:
    """Wait for a process that was hung up on; kill it when it does not end."""
    if patience_s:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience_s)
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _spell_status(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit code {status}"
