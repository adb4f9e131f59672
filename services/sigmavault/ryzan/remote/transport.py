"""What goes wrong on the way to another server, as one kind of failure."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class HungUpError(Exception):
    """The connection failed or said nothing in time; the message says how, in words of ours."""


@contextlib.asynccontextmanager
async def patience(seconds: float) -> AsyncIterator[None]:
    """Do something with a connection, for so long.

    Raises:
        HungUpError: it failed, or took longer.
    """
    import httpx  # only where there is another server: it takes memory

    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise HungUpError(f"said nothing for {seconds:.0f} s") from error
    except (httpx.TransportError, httpx.StreamError, OSError) as error:
        raise HungUpError(f"hung up ({type(error).__name__})") from error
