"""Work that waits for programs and the kernel, beside the event loop.

Each piece has a thread of its own that nobody waits for at the end: one that hangs in the kernel (a suspended
pool) costs its thread, never the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable

from sigmavault.core.errors import ObjectBusyError, ServiceUnavailableError, SigmaVaultError

_log = logging.getLogger(__name__)


async def in_thread[T](work: Callable[[], T], name: str) -> T:
    """Do the work in a thread of its own, named for those who look for what hangs.

    Raises:
        SigmaVaultError: what the work raised; of its own kind for a fault in our own code, which is logged.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: SigmaVaultError | None) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(value)  # type: ignore[arg-type]  # None only if T is

    def main() -> None:
        value, failure = None, None
        try:
            value = work()
        except SigmaVaultError as error:
            failure = error
        except Exception as error:
            _log.exception("%s failed", name)
            failure = SigmaVaultError(f"{name} failed: {type(error).__name__}", "the journal has more")
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, value, failure)

    threading.Thread(target=main, name=name[:15], daemon=True).start()
    return await result


class Readers:
    """Looks at the machine: several at once, not any number, and none without end."""

    def __init__(self, most: int = 16, patience_s: float = 5.0, limit_s: float = 60.0) -> None:
        """At most `most` at once; who finds no place within `patience_s` is told so."""
        self._free = asyncio.Semaphore(most)
        self._most, self._patience_s, self._limit_s = most, patience_s, limit_s

    async def run[T](self, work: Callable[[], T], name: str) -> T:
        """Look.

        Raises:
            ObjectBusyError: too many looks do not come to an end.
            ServiceUnavailableError: this one does not.
            SigmaVaultError: what the work raised.
        """
        try:
            async with asyncio.timeout(self._patience_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise ObjectBusyError(f"{self._most} questions are waiting for the machine already") from error
        task = asyncio.ensure_future(in_thread(work, name))
        task.add_done_callback(self._done)
        try:
            async with asyncio.timeout(self._limit_s):
                return await asyncio.shield(task)
        except TimeoutError as error:
            raise ServiceUnavailableError(f"{name} did not end within {self._limit_s:g} s") from error

    def _done(self, task: asyncio.Task[object]) -> None:
        self._free.release()
        if not task.cancelled():
            task.exception()  # looked at: it is nobody's any more when its caller has given up
