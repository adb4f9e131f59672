"""One transfer beside the daemon's loop: its thread, its figures, and who ended it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from sigmavault.core.downloads.pace import Speed, seconds_left
from sigmavault.system.fetch import Control
from sigmavault.system.transfer import Ears, Transfer


class Running:
    """A transfer that runs. Its figures may be read at any time."""

    def __init__(self, transfer: Transfer, here: int, told: Callable[[], None]) -> None:
        """Prepare it.

        Args:
            transfer: what to fetch.
            here: bytes that are here already.
            told: called in the loop when source, reason or stage have changed.
        """
        self._transfer = transfer
        self._loop = asyncio.get_running_loop()
        self._told = told
        self._control = Control()
        self._speed = Speed(time.monotonic())
        self._counted = here
        self.bytes = here
        self.source = ""
        self.reason = ""
        self.is_verifying = False

    async def run(self) -> Path:
        """Fetch it; as `Transfer.run`. Cancelled, it waits for its thread."""
        ears = Ears(bytes_here=self._hear, says=self._say, verifies=self._verify)
        work = asyncio.ensure_future(asyncio.to_thread(self._transfer.run, self._control, ears))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            self.stop()
            await asyncio.wait([work])
            work.exception()  # that it was stopped is known
            raise

    def stop(self) -> None:
        """Let it end soon, with `StoppedError`."""
        self._control.stop()

    def look(self) -> None:
        """Count what has come since the last look; a few times each second."""
        self._speed.add(max(0, self.bytes - self._counted), time.monotonic())
        self._counted = self.bytes

    @property
    def bytes_s(self) -> float:
        """How fast it is."""
        return 0.0 if self.is_verifying else self._speed.bytes_s(time.monotonic())

    @property
    def seconds_left(self) -> int | None:
        """How long it still takes."""
        return seconds_left((self._transfer.model.size or 0) - self.bytes, self.bytes_s)

    def _hear(self, here: int) -> None:
        self.bytes = here
        self.is_verifying = False

    def _say(self, source: str, reason: str) -> None:
        self.source, self.reason = source or self.source, reason
        self.is_verifying = False
        self._loop.call_soon_threadsafe(self._told)

    def _verify(self) -> None:
        self.is_verifying = True
        self._loop.call_soon_threadsafe(self._told)
