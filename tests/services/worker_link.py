"""A model process by itself: started as the service starts it, spoken to over its socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sigmavault.core.chat import (
    Embedded,
    EmbedRequest,
    Event,
    Finished,
    GenerateRequest,
    Piece,
    Started,
    TokenLogprob,
)
from sigmavault.ryzan import wire

from tests.services.daemon import SERVICES


@dataclass
class Told:
    """What came of one request."""

    started: Started | None = None
    pieces: list[Piece] = field(default_factory=list)
    finished: Finished | None = None

    @property
    def text(self) -> str:
        return "".join(each.text for each in self.pieces)

    @property
    def logprobs(self) -> list[TokenLogprob]:
        return [each for piece in self.pieces for each in piece.logprobs]

    @property
    def cached(self) -> int:
        assert self.started is not None
        return self.started.cached_tokens

    def add(self, event: Event) -> None:
        match event:
            case Started():
                assert self.started is None
                self.started = event
            case Piece():
                self.pieces.append(event)
            case Finished():
                self.finished = event


class WorkerLink:
    """One model process."""

    def __init__(self, process: subprocess.Popen[bytes], link: socket.socket) -> None:
        self.process = process
        self._link = link
        self._decoder = wire.Decoder()
        self._frames: Iterator[wire.Frame] = self._read()
        self.stats: wire.Stats | None = None
        self._number = 0
        self.loaded = wire.Loaded(**_fields(self.next()))

    def _read(self) -> Iterator[wire.Frame]:
        while data := self._link.recv(1 << 20):
            yield from self._decoder.feed(data)
        raise AssertionError(f"the process ended: {self.process.wait()}")

    def next(self) -> wire.Frame:
        """The next frame that is not about its work as such."""
        while True:
            frame = next(self._frames)
            if frame["is"] != "stats":
                return frame
            self.stats = wire.Stats(**_fields(frame))

    def wait_stats(self) -> wire.Stats:
        """The next word about its work."""
        while (frame := next(self._frames))["is"] != "stats":
            pass
        self.stats = wire.Stats(**_fields(frame))
        return self.stats

    def send(self, request: GenerateRequest) -> int:
        self._number += 1
        self._link.sendall(wire.encode(wire.ask_frame(self._number, request)))
        return self._number

    def cancel(self, number: int) -> None:
        self._link.sendall(wire.encode(wire.cancel_frame(number)))

    def ask(self, *requests: GenerateRequest) -> list[Told]:
        """Ask all at once and wait for all answers.

        Raises:
            SigmaVaultError: one of them failed.
        """
        told = {self.send(request): Told() for request in requests}
        while any(each.finished is None for each in told.values()):
            frame = self.next()
            if frame["id"] in told:  # else it was cancelled
                told[frame["id"]].add(wire.read_event(frame))
        return list(told.values())

    def text(self, request: GenerateRequest) -> str:
        (told,) = self.ask(request)
        return told.text

    def embed(self, request: EmbedRequest) -> Embedded:
        self._number += 1
        self._link.sendall(wire.encode(wire.embed_frame(self._number, request)))
        frame = self.next()
        if frame["is"] == "error":
            raise wire.read_error(frame)
        return wire.read_embedded(frame)


def _fields(frame: wire.Frame) -> wire.Frame:
    if frame["is"] == "error":
        raise wire.read_error(frame)
    return {key: value for key, value in frame.items() if key != "is"}


@contextmanager
def worker(
    file: Path, runtime: Path, *options: str, context: int = 4096, sequences: int = 8, batch: int = 512,
    log: Sequence[Path] = (),
) -> Iterator[WorkerLink]:  # fmt: skip
    """A model process that has loaded the file.

    Raises:
        SigmaVaultError: it refuses the file.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        argv = [
            sys.executable, "-P", "-m", "sigmavault.ryzan.worker", f"--link={theirs.fileno()}",
            f"--file={file}", f"--context={context}", f"--sequences={sequences}", f"--batch={batch}",
            *options,
        ]  # fmt: skip
        process = subprocess.Popen(
            argv, pass_fds=[theirs.fileno()], stderr=log[0].open("wb") if log else None,
            env={**os.environ, "PYTHONPATH": os.fspath(SERVICES), "SIGMAVAULT_RUNTIME": os.fspath(runtime),
                 "OMP_WAIT_POLICY": "passive"},
        )  # fmt: skip
    ours.settimeout(120)
    try:
        yield WorkerLink(process, ours)
        ours.close()
        assert process.wait(10) == 0
    finally:
        ours.close()
        process.kill()
        process.wait()
