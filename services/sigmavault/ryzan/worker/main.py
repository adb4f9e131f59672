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
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sigmavault.core.chat import Conversation, Event, GenerateRequest, Message, Prompt, Text
from sigmavault.core.errors import ModelRefusedError, SigmaVaultError
from sigmavault.core.threads import ThreadPlan, plan_threads
from sigmavault.ryzan import wire
from sigmavault.ryzan.worker.engine import Engine
from sigmavault.ryzan.worker.llama import Limits, Llama
from sigmavault.ryzan.worker.prompt import ChatTemplate, neutral
from sigmavault.system import cpu, env

_REPORT_EVERY_S = 1.0


class Worker:
    """One model, one socket to the service."""

    def __init__(self, link: socket.socket, file: Path, limits: Limits) -> None:
        """Load the model.

        Raises:
            ModelRefusedError: it cannot be loaded, or has no chat template.
        """
        self._link = link
        self._decoder = wire.Decoder()
        self._outbox = bytearray()
        self._plan = plan_threads(cpu.read_cpus())
        self._llama = Llama(file, runtime=env.paths().runtime, limits=limits, threads=self._plan.threads)
        if not self._llama.template:
            raise ModelRefusedError(f"{file.name} has no chat template")
        self._begin = self._llama.begin_text()
        self._template = ChatTemplate(self._llama.template, begin=self._begin, end=self._llama.end_text())
        self._engine = Engine(self._llama, self._emit)
        self._reported = time.monotonic()

    def serve(self) -> None:
        """Compute until the service hangs up."""
        self._say_loaded()
        while True:
            ready, _, _ = select.select([self._link], [], [], 0 if self._engine.busy else None)
            if ready and not self._read():
                return
            if self._engine.busy:
                self._engine.step()
                self._report()
            self._flush()

    def _read(self) -> bool:
        data = self._link.recv(1 << 20)
        for frame in self._decoder.feed(data):
            match frame["do"]:
                case "ask":
                    self._ask(frame["id"], wire.read_ask(frame))
                case "cancel":
                    self._engine.cancel(frame["id"])
        return bool(data)

    def _ask(self, number: int, request: GenerateRequest) -> None:
        try:
            self._engine.ask(number, self._prompt(request.prompt), request)
        except SigmaVaultError as error:
            self._outbox += wire.encode(wire.error_frame(number, error))

    def _prompt(self, prompt: Prompt) -> list[int]:
        match prompt:
            case Conversation():
                return self._converse(prompt)
            case Text():
                return self._llama.tokenize(prompt.text, begin=True, special=False)
        return list(prompt.tokens)

    def _converse(self, prompt: Conversation) -> list[int]:
        said = [
            Message(role=each.role, content=neutral(each.content, self._controls)) for each in prompt.messages
        ]
        text = self._template.render(said)
        if self._llama.adds_begin and self._begin:
            text = text.removeprefix(self._begin)  # the tokenizer puts it there: once is enough
        return self._llama.tokenize(text, begin=True, special=True)

    def _controls(self, text: str) -> Sequence[str]:
        as_special = self._llama.tokenize(text, begin=False, special=True)
        return list({self._llama.text_of(each) for each in as_special if self._llama.is_control(each)})

    def _emit(self, number: int, event: Event) -> None:
        self._outbox += wire.encode(wire.event_frame(number, event))

    def _say_loaded(self) -> None:
        loaded = wire.Loaded(
            context_tokens=self._engine.context_tokens,
            threads=self._plan.threads,
            threads_reason=self._plan.reason,
        )
        self._outbox += wire.encode({"is": "loaded", **asdict(loaded)})
        self._flush()

    def _report(self) -> None:
        now = time.monotonic()
        if self._engine.busy and now - self._reported < _REPORT_EVERY_S:
            return
        self._reported = now
        self._follow(plan_threads(cpu.read_cpus()))
        stats = wire.Stats(
            tokens_per_second=self._engine.meter.rate,
            threads=self._plan.threads,
            threads_reason=self._plan.reason,
        )
        self._outbox += wire.encode({"is": "stats", **asdict(stats)})

    def _follow(self, plan: ThreadPlan) -> None:
        """The quota may have changed since the last look."""
        if plan.threads != self._plan.threads:
            self._llama.set_threads(plan.threads)
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
    return parser.parse_args()


def main() -> int:
    """Run a model process; the exit code says whether it ended as told."""
    arguments = _arguments()
    limits = Limits(context=arguments.context, sequences=arguments.sequences, batch=arguments.batch)
    with socket.socket(fileno=arguments.link) as link:
        try:
            worker = Worker(link, arguments.file, limits)
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
