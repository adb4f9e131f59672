"""Watches the pools: looks when zed tells of an event, and at the kernel's own figures in between."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sigmavault.core.errors import OperationError, SigmaVaultError, ZfsMissingError
from sigmavault.core.operation import Machine
from sigmavault.hostd.pool_states import PoolChange, Seen, changes, seen, with_states
from sigmavault.hostd.threads import in_thread
from sigmavault.system import zpool

KSTAT = Path("proc/spl/kstat/zfs")
_GLANCE_S = 10.0
_BURST_S = 0.3
"""Events come in bursts; one look serves them all."""
_AGAIN_S = 3.0
"""An event is told while its change may still be under way: there is one more look."""

_log = logging.getLogger(__name__)


class PoolWatch:
    """Tells when the state of a pool or of one of its devices has really changed."""

    def __init__(self, machine: Machine, tell: Callable[[PoolChange], object]) -> None:
        self._machine, self._tell = machine, tell
        self._known: dict[str, Seen] = {}
        self._glance: dict[str, str] = {}
        self._event = asyncio.Event()

    def nudge(self) -> None:
        """Something has happened: look soon."""
        self._event.set()

    async def run(self) -> None:
        """Watch until cancelled. What there is at the start is no change."""
        await self._look(tell=lambda _: None)
        while True:
            if await self._wait():
                await asyncio.sleep(_BURST_S)
                self._event.clear()
                await self._look(self._tell)
                await asyncio.sleep(_AGAIN_S)
                await self._look(self._tell)
            elif await self._read_glance() != self._glance:
                await self._look(self._tell)

    async def _wait(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GLANCE_S):
                await self._event.wait()
        return self._event.is_set()

    async def _look(self, tell: Callable[[PoolChange], object]) -> None:
        self._glance = await self._read_glance()
        try:
            now = seen(await in_thread(partial(zpool.pools, self._machine), "pool watch"))
        except ZfsMissingError:
            now = {}
        except OperationError as error:
            _log.warning("the pools cannot be looked at: %s", error)
            now = with_states(self._known, self._glance)
        except SigmaVaultError as error:
            _log.warning("the pools cannot be looked at: %s", error)
            return
        for change in changes(self._known, now):
            _log.info("pool %s is %s: %s", change.pool, change.state, change.cause)
            tell(change)
        self._known = now

    async def _read_glance(self) -> dict[str, str]:
        return await in_thread(partial(glance, self._machine.root), "pool glance")


def glance(root: Path) -> dict[str, str]:
    """States of the imported pools by name, from the kernel: no process, and no lock that could hang."""
    states = {}
    for file in (root / KSTAT).glob("*/state"):
        with contextlib.suppress(OSError):  # exported between the two looks
            states[file.parent.name] = file.read_text().strip()
    return states
