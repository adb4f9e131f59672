"""An answer into a pipe: UTF-8 text as it comes, end of file when it is over.

The reader that closes its end cancels the answer, also while the prompt is still being read.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator

from sigmavault.core.errors import ReaderGoneError
from sigmavault.core.wish import Answer, AnswerEvent, ChoiceFinished, ContentDelta

_PATIENCE_S = 300.0
"""A reader that takes nothing for so long has forgotten us."""


class PipeWriter:
    """The write end of a pipe, never blocking the loop."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self.gone = asyncio.Event()
        """Set when the reader has closed its end."""
        # The write end is never readable: what wakes this is the reader's hang-up (POLLERR).
        self._loop.add_reader(descriptor, self.gone.set)

    async def write(self, data: bytes) -> None:
        """Write all of it, as fast as the reader takes it.

        Raises:
            ReaderGoneError: it has closed its end, or takes nothing any more.
        """
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                await self._wait_room()
            except BrokenPipeError as error:
                raise ReaderGoneError("the reader has closed the pipe") from error

    async def _wait_room(self) -> None:
        room = asyncio.Event()
        self._loop.add_writer(self._descriptor, room.set)
        try:
            await asyncio.wait_for(room.wait(), _PATIENCE_S)
        except TimeoutError as error:
            raise ReaderGoneError(f"the reader took nothing for {_PATIENCE_S:.0f} s") from error
        finally:
            self._loop.remove_writer(self._descriptor)

    def close(self) -> None:
        """End of file for the reader."""
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)


async def pump(answer: Answer, pipe: PipeWriter) -> ChoiceFinished | None:
    """Write the text of an answer into a pipe; returns how it ended.

    Raises:
        ReaderGoneError: nobody reads; the answer is cancelled.
        SigmaVaultError: the answer failed.
    """
    ended: ChoiceFinished | None = None
    async with contextlib.aclosing(_events(answer, pipe)) as events:
        async for event in events:
            if isinstance(event, ContentDelta):
                await pipe.write(event.text.encode())
            elif isinstance(event, ChoiceFinished):
                ended = event
    return ended


async def _events(answer: Answer, pipe: PipeWriter) -> AsyncGenerator[AnswerEvent]:
    gone = asyncio.ensure_future(pipe.gone.wait())
    try:
        while True:
            step = asyncio.ensure_future(answer.next())
            await asyncio.wait((step, gone), return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                step.cancel()
                raise ReaderGoneError("the reader has closed the pipe")
            if (event := step.result()) is None:
                return
            yield event
    finally:
        gone.cancel()
        answer.cancel()
