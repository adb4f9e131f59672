"""Lets polkit ask for a password at the terminal, where no desktop does it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import AsyncIterator

from sigmavault.core.errors import CommandMissingError
from sigmavault.system import env, run

_READY_S = 5.0
_END_S = 2.0


@contextlib.asynccontextmanager
async def password_prompt() -> AsyncIterator[None]:
    """While this is open, polkit may ask the person at the terminal; does nothing for root or without one.

    Where a desktop answers for the session already, it goes on doing so.
    """
    if os.geteuid() == 0 or not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        agent = await _start()
    except CommandMissingError:
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            agent.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(agent.wait(), _END_S)
        # interrupted while it asks, it leaves the terminal without echo
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


async def _start() -> asyncio.subprocess.Process:
    """Start polkit's own agent and wait until polkit knows it: it closes the pipe then."""
    ready, told = os.pipe2(os.O_CLOEXEC)
    argv = ["pkttyagent", f"--notify-fd={told}"]
    if env.text("XDG_SESSION_ID"):
        # a desktop's agent goes before; without a login session polkit does not find a fallback at all
        argv.append("--fallback")
    try:
        agent = await run.start(argv, pass_fds=(told,))
    except BaseException:
        os.close(ready)
        raise
    finally:
        os.close(told)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(_end_of_file(ready), _READY_S)
    return agent


async def _end_of_file(descriptor: int) -> None:
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        await reader.read()
    finally:
        transport.close()
