"""One line at the terminal that tells for what, and how long, somebody has been waiting."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TextIO

from sigmavault.core.values import format_duration

_CLEAR = "\r\x1b[K"
_PAUSE_S = 1.0


@contextlib.asynccontextmanager
async def waiting(
    what: str, stream: TextIO, holds: Callable[[], Awaitable[bool]] | None = None
) -> AsyncIterator[None]:
    """Tell after a second, and each second, what is waited for; nothing of it stays.

    Args:
        what: plain text, as in `loading qwen3-4b`.
        stream: where to; a stream that is no terminal is told nothing.
        holds: asked each second whether it is to be told now; None: always.
    """
    if not stream.isatty():
        yield
        return
    teller = asyncio.create_task(_tell(what, stream, holds))
    try:
        yield
    finally:
        teller.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await teller


async def _tell(what: str, stream: TextIO, holds: Callable[[], Awaitable[bool]] | None) -> None:
    began = time.monotonic()
    await asyncio.sleep(_PAUSE_S)
    told = False
    try:
        while True:
            if holds is None or await holds():
                stream.write(f"{_CLEAR}{what} … {format_duration(round(time.monotonic() - began))}")
                stream.flush()
                told = True
            await asyncio.sleep(_PAUSE_S)
    finally:
        if told:
            stream.write(_CLEAR)
            stream.flush()
