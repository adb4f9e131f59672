"""Work for a caller over HTTP that ends when the caller hangs up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import Receive


class ClientGoneError(Exception):
    """The client has hung up: there is nobody to answer."""


async def while_connected[T](
    receive: Receive, work: Coroutine[Any, Any, T], *, harmless: type[Exception]
) -> T:
    """Do the work unless the client hangs up before it is done: then nobody pays for the rest.

    Args:
        receive: of the request; its body has been read.
        work: what is done.
        harmless: what the work may still raise when nobody waits for it any more.

    Raises:
        ClientGoneError: it did; the work was cancelled.
    """

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    task, watch = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        await asyncio.wait((task, watch), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError
        return await task
    finally:
        for each in (task, watch):
            each.cancel()
        with contextlib.suppress(asyncio.CancelledError, harmless):
            await task
