"""The life of a model process: load, then read requests and compute, until the service hangs up.

One thread: between two steps it looks at the socket, so a cancelled request is gone within one step,
and nothing of llama.cpp is ever entered twice.
"""

from __future__ import annotations

import argparse
import gc
import os
import select
import socket
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from sigmavault.core.chat import Embedded, Event
from sigmavault.core.errors import InvalidRequestError, SigmaVaultError
from sigmavault.core.threads import ThreadPlan, plan_threads
from sigmavault.ryzan import wire
from sigmavault.ryzan.worker.embed import Embedder
from sigmavault.ryzan.worker.engine import Engine
from sigmavault.ryzan.worker.llama import Limits, Llama
from sigmavault.ryzan.worker.reading import Reader
from sigmavault.system import cpu, env
from sigmavault.system.memory import resident_bytes

_REPORT_EVERY_S = 1.0

_LONGEST_EMBEDDED = 2048
"""Tokens of one input of a model that makes vectors: it is computed in one piece, and the memory for that
grows with it."""


class Worker:
    """One model, one socket to the service."""

    def __init__(self, link: socket.socket, file: Path, limits: Limits, *, embedding: bool) -> None:
        """Load the model.

        Raises:
            ModelRefusedError: it cannot be loaded.
        """
        self._link = link
        self._decoder = wire.Decoder()
        self._outbox = bytearray()
        self._plan = plan_threads(cpu.read_cpus())
        self._llama = Llama(
            file, runtime=env.paths().runtime, limits=limits, threads=self._plan.threads, embedding=embedding
        )
        self._engine = None if embedding else Engine(self._llama, self._emit)
        self._embedder = Embedder(self._llama, self._bring) if embedding else None
        self._work: Engine | Embedder = self._engine or self._embedder  # type: ignore[assignment]  # one is
        self._reader = Reader(self._llama, self._work.context_tokens)
        self._reported = time.monotonic()

    def serve(self) -> None:
        """Compute until the service hangs up."""
        self._say_loaded()
        while True:
            ready, _, _ = select.select([self._link], [], [], 0 if self._work.busy else None)
            if ready and not self._read():
                return
            if self._work.busy:
                self._work.step()
                self._report()
            self._flush()

    def _read(self) -> bool:
        data = self._link.recv(1 << 20)
        for frame in self._decoder.feed(data):
            match frame["do"]:
                case "ask":
                    self._try(frame, self._ask)
                case "embed":
                    self._try(frame, self._embed)
                case "cancel":
                    self._work.cancel(frame["id"])
        return bool(data)

    def _try(self, frame: wire.Frame, take: Callable[[wire.Frame], None]) -> None:
        try:
            take(frame)
        except SigmaVaultError as error:
            self._outbox += wire.encode(wire.error_frame(frame["id"], error))

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

    def _emit(self, number: int, event: Event) -> None:
        self._outbox += wire.encode(wire.event_frame(number, event))

    def _bring(self, number: int, embedded: Embedded) -> None:
        self._outbox += wire.encode(wire.embedded_frame(number, embedded))

    def _say_loaded(self) -> None:
        loaded = wire.Loaded(
            context_tokens=self._work.context_tokens,
            threads=self._plan.threads,
            threads_reason=self._plan.reason,
            architecture=self._llama.architecture,
            has_template=bool(self._reader.template_source),
            template_sha256=self._reader.template_sha256,
            embedding_size=self._llama.embedding_size if self._embedder else 0,
            memory_bytes=resident_bytes([os.getpid()]),
        )
        self._outbox += wire.encode({"is": "loaded", **asdict(loaded)})
        self._flush()

    def _report(self) -> None:
        now = time.monotonic()
        if self._work.busy and now - self._reported < _REPORT_EVERY_S:
            return
        self._reported = now
        self._follow(plan_threads(cpu.read_cpus()))
        stats = wire.Stats(
            tokens_per_second=self._engine.meter.rate if self._engine else 0.0,
            threads=self._plan.threads,
            threads_reason=self._plan.reason,
            active_sequences=self._work.active,
        )
        self._outbox += wire.encode({"is": "stats", **asdict(stats)})

    def _follow(self, plan: ThreadPlan) -> None:
        """The quota may have changed since the last look."""
        if plan.threads != self._plan.threads:
            self._llama.set_threads(plan.threads, plan.threads)
        self._plan = plan

    def _flush(self) -> None:
        if self._outbox:
            self._link.sendall(self._outbox)
            self._outbox.clear()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sigmavault.ryzan.worker")
    parser.add_argument("--link", type=int, required=True, help="descriptor of the socket to the service")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--sequences", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--embedding", action="store_true", help="make vectors of texts")
    return parser.parse_args()


def _limits(arguments: argparse.Namespace) -> Limits:
    batch = min(arguments.context, _LONGEST_EMBEDDED) if arguments.embedding else arguments.batch
    return Limits(context=arguments.context, sequences=arguments.sequences, batch=batch)


def main() -> int:
    """Run a model process; the exit code says whether it ended as told."""
    arguments = _arguments()
    with socket.socket(fileno=arguments.link) as link:
        try:
            worker = Worker(link, arguments.file, _limits(arguments), embedding=arguments.embedding)
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
