"""The service's side of the cache process: starts it when it is first needed, and does without it.

Whatever goes wrong there is told once in the log and costs hits, nothing else: every call here returns
None after a short patience at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.values import MIB
from sigmavault.system import env, run

_log = logging.getLogger(__name__)

_OPEN_PATIENCE_S = 1.0
_ERASE_PATIENCE_S = 60.0
_MOST_WAITING = 64
_DEATHS = 3
_REST_S = 60.0
_LONGEST_LINE = 1 << 20
_FAREWELL_S = 3.0
_FOREVER = float("inf")

type Told = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes of the cache.

    Attributes:
        most_bytes: disk space.
        most: answers.
        keep_s: for how long one is kept.
        reserve: bytes that are left free on the disk.
        patience_s: how long a request waits for its answer to be looked up.
    """

    most_bytes: int = 64 * MIB
    most: int = 20_000
    keep_s: float = 7 * 86400.0
    reserve: int = 64 * MIB
    patience_s: float = 0.25


class Keeper:
    """The cache process, or the reason why there is none."""

    def __init__(self, folder: Path, runtime: Path, limits: Limits) -> None:
        """With nothing started.

        Args:
            folder: of the cache; made when it is needed.
            runtime: folder with the third-party runtime.
            limits: sizes.
        """
        self._folder = folder
        self._runtime = runtime
        self._limits = limits
        self.reason = ""
        self.bytes = self.entries = self.evicted = self.stored = 0
        self._evicted_before = 0
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._life: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[bool] | None = None
        self._waiting: dict[int, asyncio.Future[Told]] = {}
        self._numbers = itertools.count(1)
        self._late: set[int] = set()
        self._deaths = 0
        self._rest_until = 0.0
        self._is_slow = False
        self._told: set[str] = set()

    @property
    def pid(self) -> int | None:
        """The cache process; None while there is none."""
        return self._process.pid if self._process and self._writer else None

    @property
    def is_open(self) -> bool:
        """Whether answers can be looked up now."""
        return self._writer is not None and self._opened is not None and self._opened.done()

    async def call(self, **request: Any) -> Told | None:
        """Ask the cache process, which is started if need be; None: it does not answer in time."""
        if self._late:  # it is busy: whoever asks now would wait as well
            return None
        return await self._call(request, self._limits.patience_s)

    async def erase(self, space: str = "") -> Told | None:
        """Erase the answers of a space, or all; None: nobody knows whether it was done."""
        return await self._call({"do": "forget", "space": space}, _ERASE_PATIENCE_S)

    async def _call(self, request: Mapping[str, Any], patience_s: float) -> Told | None:
        if not await self._is_ready():
            return None
        number = self._send(request)
        if number is None:
            return None
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.wait_for(waiting, patience_s)
        except TimeoutError:
            self._late.add(number)
            return None
        except ConnectionError:
            return None
        finally:
            self._waiting.pop(number, None)

    def tell(self, **request: Any) -> None:
        """Hand something to the cache process if it is there and keeps up; nobody waits for what it says."""
        if self.is_open and not self._late:
            self._send(request)

    async def close(self) -> None:
        """End the cache process; what it holds is written to the disk."""
        self._rest_until = _FOREVER
        life, self._life = self._life, None
        if self._writer:
            self._writer.close()
        if life:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(life), _FAREWELL_S)
            life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await life

    def _send(self, request: Mapping[str, Any]) -> int | None:
        if self._writer is None or len(self._waiting) > _MOST_WAITING:
            return None
        if self._writer.transport.get_write_buffer_size() > _LONGEST_LINE:
            return None
        number = next(self._numbers)
        self._writer.write(json.dumps({"id": number, **request}).encode() + b"\n")
        return number

    async def _is_ready(self) -> bool:
        if self.is_open:
            return True
        if self._life is None:
            if time.monotonic() < self._rest_until:
                return False
            self._opened = asyncio.get_running_loop().create_future()
            self._is_slow = False
            self._life = asyncio.create_task(self._live(), name="answer cache")
        if self._opened is None or self._is_slow:
            return False
        try:
            # shielded: others wait for the same start
            return await asyncio.wait_for(asyncio.shield(self._opened), _OPEN_PATIENCE_S)
        except TimeoutError:
            self._is_slow = True
            return False

    async def _live(self) -> None:
        """Start the process and carry what it says until it ends."""
        try:
            reader = await self._start()
            with contextlib.suppress(ConnectionError):
                await self._carry(reader)
        except (SigmaVaultError, OSError, ValueError, KeyError, TypeError) as error:
            self._complain(f"the cache process cannot be used: {type(error).__name__}")
        finally:
            ended = await self._end()
            opened, self._opened = self._opened, None
            if opened and not opened.done():
                opened.set_result(False)
            self._judge(ended)
            if self._life is asyncio.current_task():
                self._life = None

    async def _start(self) -> asyncio.StreamReader:
        ours, theirs = socket.socketpair()
        with theirs:
            argv = [sys.executable, "-P", "-m", "sigmavault.ryzan.answer_cache", str(theirs.fileno())]
            kept = env.inherited(("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"))
            self._process = await run.start(argv, pass_fds=[theirs.fileno()], extra_env=kept)
        reader, self._writer = await asyncio.open_unix_connection(sock=ours, limit=_LONGEST_LINE)
        limits = self._limits
        self._send({
            "folder": os.fspath(self._folder), "runtime": os.fspath(self._runtime),
            "most_bytes": limits.most_bytes, "most": limits.most, "keep_s": limits.keep_s,
            "reserve": limits.reserve, "anew": self._deaths > 0,
        })  # fmt: skip
        return reader

    async def _carry(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            told = json.loads(line)
            self.bytes = told.get("bytes", self.bytes)
            self.entries = told.get("entries", self.entries)
            if "evicted" in told:
                self.evicted = self._evicted_before + told["evicted"]
            self.stored += told.get("kept", False)
            if "unfit" in told:
                self._complain(told["unfit"])
            elif told.get("opened"):
                self._begin(told["anew"])
            elif told.get("kept"):
                self.reason = ""
            elif "kept" in told:
                self._complain(told["why"])
            self._late.discard(told.get("id", 0))
            waiting = self._waiting.pop(told.get("id", 0), None)
            if waiting and not waiting.done():
                waiting.set_result(told)

    def _begin(self, anew: str) -> None:
        if anew:
            _log.warning("the kept answers were damaged and are begun anew: %s", anew)
        self.reason = ""
        if self._opened and not self._opened.done():
            self._opened.set_result(True)

    async def _end(self) -> int | None:
        """See the process out; its exit code, None when it was never there."""
        writer, self._writer = self._writer, None
        if writer:
            writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError())
        self._waiting.clear()
        self._late.clear()
        self._evicted_before = self.evicted
        process, self._process = self._process, None
        if process is None:
            return None
        try:
            return await asyncio.wait_for(process.wait(), _FAREWELL_S)
        except (TimeoutError, asyncio.CancelledError):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            return await process.wait()

    def _judge(self, ended: int | None) -> None:
        if self._rest_until == _FOREVER:
            return  # it was told to end
        self._rest_until = time.monotonic() + _REST_S
        if ended is None or ended >= 0:
            return
        self._deaths += 1
        self._complain(f"the cache process was ended by {signal.Signals(-ended).name}")
        if self._deaths >= _DEATHS:
            self._rest_until = _FOREVER
            _log.error("the answer cache stays off until the service is started again")

    def _complain(self, why: str) -> None:
        """Say why answers are not kept: once, however often it happens."""
        self.reason = why
        if why not in self._told:
            self._told.add(why)
            _log.error("answers are not kept: %s", why)
