"""The cache process: one line of JSON asks, one line answers, in order, until the service hangs up.

A process of its own, because the engine maps its files into memory: a full disk or a file that lost its end
ends the process that touches it. Imports as little as it can: all of it is memory.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sigmavault.ryzan.answer_cache.shard import FullError, Shard, has_room, import_engine

_LOCK_PATIENCE_S = 3.0
"""The process of a service that is just ending lets go of its folder within this time."""

_PAUSE_S = 1.0
_LONGEST_S = 20.0

type Told = dict[str, Any]


class UnfitError(Exception):
    """There will be no cache, and why."""


def _take_lock(folder: Path) -> int:
    """Hold the folder as long as this process lives.

    Raises:
        UnfitError: another process has it.
    """
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise UnfitError("another process uses the folder of kept answers") from None
            time.sleep(0.05)
        else:
            return lock


def _open(told: Told) -> tuple[Shard, str]:
    """The shard, and why it was begun anew; empty when it was not."""
    folder = Path(told["folder"])
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        _take_lock(folder)
        engine = import_engine(Path(told["runtime"]))
    except (OSError, ImportError) as error:
        raise UnfitError(_spell(error)) from error
    limits = {name: told[name] for name in ("most_bytes", "most", "keep_s", "reserve")}
    if told["anew"]:
        _wipe(folder)
    try:
        return Shard(engine, folder, **limits), "the process that read it died" if told["anew"] else ""
    except FullError as error:
        raise UnfitError(str(error)) from error
    except _failures() as error:
        why = _spell(error)
    if not has_room(folder, told["reserve"]):  # that may be all that is wrong
        raise UnfitError("the disk is nearly full")
    _wipe(folder)
    try:
        return Shard(engine, folder, **limits), why
    except _failures() as error:
        raise UnfitError(_spell(error)) from error


def _spell(error: BaseException) -> str:
    """For the log: what the engine says may quote an answer, what the system says does not."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, OSError | ImportError) else f"{name} in Qdrant Edge"


def _failures() -> tuple[type[BaseException], ...]:
    """Errors of the engine, and its panics: those are of a class that no module has."""
    panics = [each for each in BaseException.__subclasses__() if each.__name__ == "PanicException"]
    return (Exception, *panics)


def _wipe(folder: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)


def _do(shard: Shard, told: Told) -> Told:
    vector = (told["maker"], told["vector"]) if told.get("vector") else None
    match told["do"]:
        case "find":
            if (found := shard.find(told["point"])) is not None:
                return {"found": found, "score": 1.0, "point": told["point"]}
            if vector and (near := shard.find_near(told["near"], vector, told["least"])):
                return {"found": near.payload, "score": near.score, "point": near.point}
            return {"found": None}
        case "keep":
            try:
                shard.keep(told["point"], told["payload"], vector)
            except FullError as error:
                return {"kept": False, "why": str(error)}
            return {"kept": True}
        case "forget":
            return {"forgotten": shard.forget(told.get("space", ""), told.get("point", ""))}
        case other:
            raise ValueError(other)


class _Link:
    """The socket to the service."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._data = b""

    def lines(self, shard: Shard | None = None) -> Iterator[Told]:
        """What is asked; between, when there is time, the shard is put in order."""
        since = time.monotonic()
        while True:
            while b"\n" in self._data:
                line, _, self._data = self._data.partition(b"\n")
                yield json.loads(line)
            dirty = shard is not None and shard.dirty
            if not dirty:
                since = time.monotonic()
            ready, _, _ = select.select([self._link], [], [], _PAUSE_S if dirty else None)
            late = time.monotonic() - since > _LONGEST_S
            if shard and dirty and (not ready or late or shard.overdue):
                shard.tidy()
                self.say({"bytes": shard.bytes(), "entries": shard.entries, "evicted": shard.evicted})
            if ready:
                data = self._link.recv(1 << 20)
                if not data:
                    return
                self._data += data

    def say(self, told: Told) -> None:
        """One line to the service."""
        self._link.sendall(json.dumps(told, separators=(",", ":")).encode() + b"\n")


def serve(descriptor: int) -> int:
    """Run the cache process; the exit code says whether it ended as told."""
    # when the service is stopped its whole control group is: the end of the link is the sign to end
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as raw:
        link = _Link(raw)
        told = next(link.lines(), None)
        if told is None:
            return 0
        try:
            shard, anew = _open(told)
        except UnfitError as error:
            link.say({"unfit": str(error)})
            return 0
        link.say({"opened": True, "anew": anew, "bytes": shard.bytes(), "entries": shard.entries})
        return _answer(link, shard)


def _answer(link: _Link, shard: Shard) -> int:
    """Do what is asked until the service hangs up, or something breaks."""
    try:
        for told in link.lines(shard):
            counts = {"entries": shard.entries, "evicted": shard.evicted}
            link.say({"id": told["id"], **_do(shard, told), **counts})
        shard.close()
    except (BrokenPipeError, ConnectionResetError):
        shard.close()
    except _failures() as error:
        link.say({"unfit": _spell(error)})
        return 1
    return 0
