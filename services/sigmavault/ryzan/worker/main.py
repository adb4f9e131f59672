"""The life of a model process: load, then read requests and compute, until the service hangs up.

One thread: between two steps it looks at the socket, so a cancelled request is gone within one step,
and nothing of llama.cpp is ever entered twice.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import select
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sigmavault.core.chat import Embedded
from sigmavault.core.errors import InvalidRequestError, SigmaVaultError
from sigmavault.core.threads import candidates, choose_threads, plan_threads
from sigmavault.core.values import MIB
from sigmavault.ryzan import wire
from sigmavault.ryzan.worker.embed import Embedder
from sigmavault.ryzan.worker.engine import Engine
from sigmavault.ryzan.worker.guessing import Choice, Guessing, Mode
from sigmavault.ryzan.worker.llama import Limits, Llama
from sigmavault.ryzan.worker.outbox import Outbox
from sigmavault.ryzan.worker.reading import Reader
from sigmavault.ryzan.worker.states import States, identify
from sigmavault.ryzan.worker.trial import try_threads
from sigmavault.system import cpu, env
from sigmavault.system.memory import go_first, resident_bytes

_REPORT_EVERY_S = 1.0

_GATHER_S = 0.08
"""Parts of an answer are gathered for so long before they are sent: each costs the service as much time as
a tenth of a decode step, and takes a CPU from it. Nobody reads faster."""

_QUIET_MS = 500
"""A model that was not asked for so long keeps what it has computed: it costs the next request time."""

_STEPS_BETWEEN = 16
"""Named states are kept beside requests as well, a part between so many steps."""

_M_MMAP_THRESHOLD = -3  # malloc.h

_KEPT_SEQUENCES = 8
_STATES_RAM_BYTES = 128 * MIB

_LONGEST_EMBEDDED = 2048
"""Tokens of one input of a model that makes vectors: it is computed in one piece, and the memory for that
grows with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a model process is for.

    Attributes:
        file: the model.
        limits: sizes of its context.
        embedding: it makes vectors of texts rather than text.
        states: folder for states of named prompts; None: they are not kept on disk.
        states_bytes: most bytes in that folder.
        states_ram_bytes: most bytes of states in memory.
        guessing: whether answers are guessed ahead.
    """

    file: Path
    limits: Limits
    embedding: bool
    states: Path | None
    states_bytes: int
    states_ram_bytes: int
    guessing: Choice


class Worker:
    """One model, one socket to the service."""

    def __init__(self, link: socket.socket, job: Job) -> None:
        """Load the model.

        Raises:
            ModelRefusedError: it cannot be loaded.
        """
        self._link = link
        self._input = bytearray(1 << 16)
        self._poll = select.poll()
        self._poll.register(link, select.POLLIN)
        self._decoder = wire.Decoder()
        self._outbox = Outbox()
        self._plan = plan_threads(cpu.read_cpus())
        self._llama = Llama(
            job.file, runtime=env.paths().runtime, limits=job.limits, threads=self._plan.threads,
            embedding=job.embedding,
        )  # fmt: skip
        self._guessing: Guessing | None = None
        self._rates = {} if job.embedding else self._try_threads()
        self._embedder = Embedder(self._llama, self._bring) if job.embedding else None
        self._states = _open_states(self._llama, job)
        self._engine = None if job.embedding else Engine(self._llama, self._states, self._outbox.add)
        self._follow()
        self._context = self._engine.context if self._engine else None
        self._work: Engine | Embedder = self._engine or self._embedder  # type: ignore[assignment]  # one is
        self._reader = Reader(self._llama, self._work.context_tokens)
        if self._engine and job.guessing.mode is not Mode.OFF:
            self._guessing = Guessing(self._engine, self._llama, self._reader, job.guessing)
            self._guessing.follow(self._plan.threads, self._plan.prefill)
        self._reported = self._followed = self._flushed = time.monotonic()
        self._steps = 0

    def serve(self) -> None:
        """Compute until the service hangs up."""
        self._say_loaded()
        while True:
            ready = self._poll.poll(self._patience_ms())
            if ready and not self._read():
                break
            if self._work.busy:
                self._work.step()
                self._report()
                self._flush()
                self._steps += 1
                if self._steps % _STEPS_BETWEEN == 0 and self._context and self._context.has_urgent_work:
                    self._context.work()
            else:
                self._flush()
                if not ready:
                    self._use_quiet()
        if self._context:
            self._context.close()

    def _patience_ms(self) -> int | None:
        if self._work.busy:
            return 0
        if self._context is not None and self._context.has_work:
            return 0 if self._context.has_urgent_work else _QUIET_MS
        return _QUIET_MS if self._guessing and self._guessing.has_work else None

    def _use_quiet(self) -> None:
        if self._context and self._context.has_work:
            self._context.work()
        elif self._guessing and self._guessing.has_work:
            self._guessing.work(lambda: bool(self._poll.poll(0)))
            self._report()
            self._flush()

    def _read(self) -> bool:
        size = len(self._input)
        while size == len(self._input):  # there may be more
            try:
                size = self._link.recv_into(self._input, flags=socket.MSG_DONTWAIT)
            except BlockingIOError:
                return True
            for frame in self._decoder.feed(memoryview(self._input)[:size]):
                self._take(frame)
        return size > 0

    def _take(self, frame: wire.Frame) -> None:
        match frame["do"]:
            case "ask":
                self._try(frame, self._ask)
            case "embed":
                self._try(frame, self._embed)
            case "cancel":
                self._work.cancel(frame["id"])
                self._outbox.forget(frame["id"])

    def _try(self, frame: wire.Frame, take: Callable[[wire.Frame], None]) -> None:
        try:
            take(frame)
        except SigmaVaultError as error:
            self._outbox.put(wire.error_frame(frame["id"], error))

    def _ask(self, frame: wire.Frame) -> None:
        if self._engine is None:
            raise InvalidRequestError("the model makes vectors of texts, it does not answer", param="model")
        request = wire.read_ask(frame)
        self._engine.ask(frame["id"], self._reader.read(request.prompt), request)

    def _embed(self, frame: wire.Frame) -> None:
        if self._embedder is None:
            raise InvalidRequestError("the model makes no embeddings", param="model")
        inputs = [self._reader.read(each) for each in wire.read_embed(frame).inputs]
        self._embedder.ask(frame["id"], inputs)

    def _bring(self, number: int, embedded: Embedded) -> None:
        self._outbox.put(wire.embedded_frame(number, embedded))

    def _say_loaded(self) -> None:
        loaded = wire.Loaded(
            context_tokens=self._work.context_tokens,
            threads=self._plan.threads,
            threads_reason=self._plan.reason,
            architecture=self._llama.architecture,
            has_template=bool(self._reader.template_source),
            template_sha256=self._reader.template_sha256,
            tool_format=self._reader.tool_format,
            embedding_size=self._llama.embedding_size if self._embedder else 0,
            memory_bytes=resident_bytes([os.getpid()]),
        )
        self._outbox.put({"is": "loaded", **asdict(loaded)})
        self._flush()

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._followed >= _REPORT_EVERY_S:  # by its own clock: each short answer ends in a report
            self._follow()
            self._followed = now
        if self._work.busy and now - self._reported < _REPORT_EVERY_S:
            return
        self._reported = now
        stats = wire.Stats(
            tokens_per_second=self._engine.meter.rate if self._engine else 0.0,
            threads=self._plan.threads,
            threads_reason=self._plan.reason + self._shortage(),
            active_sequences=self._work.active,
            **self._reused(),
            **self._guessed(),
        )
        self._outbox.put({"is": "stats", **asdict(stats)})

    def _shortage(self) -> str:
        is_short = self._engine is not None and self._engine.crews.is_short
        return "; fewer just now: other programs want the CPUs" if is_short else ""

    def _reused(self) -> dict[str, Any]:
        if self._context is None:
            return {}
        counts = self._context.counts
        return {
            "prefix_hits": counts.hits,
            "prefix_misses": counts.misses,
            "prefix_tokens_saved": counts.tokens_saved,
            "kept_ram_bytes": self._states.ram_bytes,
            "kept_disk_bytes": self._states.disk_bytes,
        }

    def _guessed(self) -> dict[str, Any]:
        if self._engine is None or self._guessing is None:
            return {}
        guesses = self._engine.guesses
        return {
            "speculation": self._guessing.text,
            "guesses_tried": guesses.tried,
            "guesses_held": guesses.held,
        }

    def _try_threads(self) -> dict[int, float]:
        return try_threads(self._llama, candidates(self._plan), prefill=self._plan.prefill)

    def _follow(self) -> None:
        """Look at the quota: it may have changed."""
        self._plan = choose_threads(plan_threads(cpu.read_cpus()), self._rates)
        if self._engine:
            self._engine.crews.limit(self._plan.threads, self._plan.prefill)
        else:
            self._llama.set_threads(self._plan.threads, self._plan.prefill)
        if self._guessing:
            self._guessing.follow(self._plan.threads, self._plan.prefill)

    def _flush(self) -> None:
        now = time.monotonic()
        if self._outbox.is_urgent or now - self._flushed >= _GATHER_S or not self._work.busy:
            self._flushed = now
            if data := self._outbox.take():
                self._link.sendall(data)


def _open_states(llama: Llama, job: Job) -> States:
    parts = (llama.version, llama.template, llama.state_format)
    return States(
        identity=identify(job.file, *parts), ram_budget=job.states_ram_bytes, folder=job.states,
        disk_budget=job.states_bytes, is_whole=llama.recurrent,
    )  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sigmavault.ryzan.worker")
    parser.add_argument("--link", type=int, required=True, help="descriptor of the socket to the service")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--sequences", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--embedding", action="store_true", help="make vectors of texts")
    parser.add_argument("--states", type=Path, help="folder for states of named prompts")
    parser.add_argument("--states-bytes", type=int, default=0, help="most bytes in that folder")
    parser.add_argument("--states-ram-bytes", type=int, default=_STATES_RAM_BYTES)
    parser.add_argument("--speculation", type=Mode, choices=Mode, default=Mode.OFF)
    parser.add_argument("--draft", type=Path, help="model that may guess for this one")
    parser.add_argument("--verdicts", type=Path, help="folder for what guessing was found to bring")
    return parser.parse_args()


def _job(arguments: argparse.Namespace) -> Job:
    batch = min(arguments.context, _LONGEST_EMBEDDED) if arguments.embedding else arguments.batch
    batch -= batch % arguments.sequences if arguments.embedding else 0  # llama.cpp wants that
    limits = Limits(
        context=arguments.context, sequences=arguments.sequences, batch=batch,
        kept=0 if arguments.embedding else _KEPT_SEQUENCES,
    )  # fmt: skip
    return Job(
        file=arguments.file, limits=limits, embedding=arguments.embedding, states=arguments.states,
        states_bytes=arguments.states_bytes, states_ram_bytes=arguments.states_ram_bytes,
        guessing=Choice(
            mode=arguments.speculation, file=arguments.file, runtime=env.paths().runtime,
            draft=arguments.draft, verdicts=arguments.verdicts, cpu=cpu.read_name(),
        ),
    )  # fmt: skip


def _return_memory() -> None:
    """Have large blocks returned to the system when they are freed: states come and go by the megabyte.

    Without this glibc raises its limit for that with every such block, and keeps them in its heap.
    """
    ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, MIB)


def main() -> int:
    """Run a model process; the exit code says whether it ended as told."""
    arguments = _arguments()
    go_first()
    _return_memory()
    with socket.socket(fileno=arguments.link) as link:
        try:
            worker = Worker(link, _job(arguments))
        except SigmaVaultError as error:
            link.sendall(wire.encode(wire.error_frame(None, error)))
            return 1
        gc.freeze()
        try:
            worker.serve()
        except ConnectionError:
            return 1
    # Not through the interpreter's end: llama.cpp's own clean-up has nothing left to save.
    os._exit(0)
