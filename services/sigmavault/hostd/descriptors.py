"""Secrets that come as file descriptors: read whole, bounded, and never waited for without end."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
from collections.abc import Mapping
from typing import Final

from sigmavault.core.errors import InvalidRequestError

_LONGEST: Final = 64 * 1024
_PATIENCE_S: Final = 5.0


class Descriptors:
    """Descriptors that came with a call, ours from now on: those of the message go with it."""

    def __init__(self, told: Mapping[str, int]) -> None:
        self._mine = {name: fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3) for name, number in told.items()}

    async def read(self) -> Mapping[str, str]:
        """The secrets, exactly as they were written.

        Raises:
            InvalidRequestError: one is no pipe and no memfd, too long, no text, or does not come.
        """
        return {name: await _read(name, number) for name, number in self._mine.items()}

    def close(self) -> None:
        """Give the descriptors back."""
        for number in self._mine.values():
            os.close(number)
        self._mine.clear()


async def _read(name: str, number: int) -> str:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            data = await _read_pipe(number) if _is_pipe(number) else _read_memory(name, number)
        text = data.decode()
    except TimeoutError as error:
        raise InvalidRequestError(f"the secret {name[:60]!r} did not come in time", param=name) from error
    except UnicodeDecodeError:
        # not chained: the error holds the secret
        raise InvalidRequestError(f"the secret {name[:60]!r} is no UTF-8 text", param=name) from None
    if len(data) > _LONGEST or "\0" in text:
        raise InvalidRequestError(f"the secret {name[:60]!r} is too long, or holds a zero", param=name)
    return text


def _is_pipe(number: int) -> bool:
    return stat.S_ISFIFO(os.fstat(number).st_mode)


async def _read_pipe(number: int) -> bytes:
    os.set_blocking(number, False)
    loop, data = asyncio.get_running_loop(), b""
    while len(data) <= _LONGEST:
        try:
            part = os.read(number, _LONGEST)
        except BlockingIOError:
            readable = asyncio.Event()
            loop.add_reader(number, readable.set)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(number)
            continue
        if not part:
            break
        data += part
    return data


def _read_memory(name: str, number: int) -> bytes:
    """Out of a memfd: any other file may be one that hangs (FUSE), and then so would we."""
    try:
        fcntl.fcntl(number, fcntl.F_GET_SEALS)
        return os.pread(number, _LONGEST + 1, 0)
    except OSError as error:
        raise InvalidRequestError(
            f"the secret {name[:60]!r} must come by pipe or memfd", param=name
        ) from error
