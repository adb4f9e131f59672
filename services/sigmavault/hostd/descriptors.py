"""Secrets that come and go as file descriptors: bounded, and never waited for without end."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
from collections.abc import Collection, Mapping
from typing import Final

from sigmavault.core.errors import InvalidRequestError

_LONGEST: Final = 64 * 1024
_PATIENCE_S: Final = 5.0


class Descriptors:
    """Descriptors that came with a call, ours from now on: those of the message go with it."""

    def __init__(self, told: Mapping[str, int]) -> None:
        self._mine = {name: fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3) for name, number in told.items()}

    async def read(self, *, without: Collection[str] = ()) -> Mapping[str, str]:
        """The secrets, exactly as they were written; `without` are those that are to be given.

        Raises:
            InvalidRequestError: one is no pipe and no memfd, too long, no text, or does not come.
        """
        told = ((name, number) for name, number in self._mine.items() if name not in without)
        return {name: await _read(name, number) for name, number in told}

    def outlets(self, names: Collection[str]) -> Outlets:
        """What secrets of these names are written into; it outlives the call.

        Raises:
            InvalidRequestError: nothing was brought for one, or it is no empty memfd that can be written to.
        """
        for name in names:
            _require_outlet(name, self._mine.get(name))
        return Outlets({name: fcntl.fcntl(self._mine[name], fcntl.F_DUPFD_CLOEXEC, 3) for name in names})

    def close(self) -> None:
        """Give the descriptors back."""
        for number in self._mine.values():
            os.close(number)
        self._mine.clear()


class Outlets:
    """Memfds of a caller that secrets are written into."""

    def __init__(self, mine: Mapping[str, int]) -> None:
        """They are ours from now on."""
        self._mine = dict(mine)

    def write(self, name: str, text: str) -> None:
        """Write a secret, whole.

        Raises:
            InvalidRequestError: nothing was brought for it, or it cannot be written to.
        """
        if name not in self._mine:
            raise InvalidRequestError(f"nothing was brought to write {name!r} into", param=name)
        data = text.encode()
        try:
            if os.pwrite(self._mine[name], data, 0) != len(data):
                raise InvalidRequestError(f"{name!r} could not be written whole", param=name)
        except OSError as error:
            raise InvalidRequestError(f"{name!r} cannot be written: {error.strerror}", param=name) from error

    def close(self) -> None:
        """Give them back."""
        for number in self._mine.values():
            os.close(number)
        self._mine.clear()


def _require_outlet(name: str, number: int | None) -> None:
    """Only a memfd: any other file may be one that hangs, or be read by others."""
    if number is None:
        raise InvalidRequestError(f"{name} is given into an empty memfd: bring one", param=name)
    try:
        sealed = fcntl.fcntl(number, fcntl.F_GET_SEALS) & (fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW)
        is_open = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR
        told = os.fstat(number)
    except OSError as error:
        raise InvalidRequestError(f"{name} is given into a memfd only", param=name) from error
    # one with a name is a file of a tmpfs, which others may read
    if sealed or not is_open or told.st_size or told.st_nlink:
        raise InvalidRequestError(f"the memfd for {name} must be empty and writable", param=name)


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
