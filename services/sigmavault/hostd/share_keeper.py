"""Lets what is shared follow what is mounted: a dataset takes its shares along, and brings them back.

The kernel wakes us at each mount and unmount, whoever did it (`zfs unmount` in a shell, a pool that is
exported); nothing is asked in between.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from sigmavault.core.audit import Event, Facts
from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.operation import Machine
from sigmavault.core.sharing.place import summary
from sigmavault.hostd.threads import in_thread
from sigmavault.system import shares
from sigmavault.system.mounts import MountWatch

_REST_S = 0.5
"""Between two looks: an import mounts hundreds of datasets one after another."""
_AGAIN_S = 30.0
"""After a failure, whose cause may be gone."""

type Note = Callable[[Facts], Awaitable[None]]
"""Writes a record into the audit."""

_log = logging.getLogger(__name__)


async def keep(machine: Machine, note: Note) -> None:
    """Look now, and after each change of the mounts, until cancelled."""
    try:
        watch = MountWatch(machine.root)
    except OSError as error:  # a simulated machine has no kernel
        _log.info("mounts are not watched: %s", error)
        return
    patience_s = await follow(machine, note)
    while True:
        await in_thread(partial(watch.wait, patience_s), "mounts")
        patience_s = await follow(machine, note)
        await asyncio.sleep(_REST_S)


async def follow(machine: Machine, note: Note) -> float | None:
    """Let the files follow; returns after how many seconds to look again without a reason (None: never)."""
    try:
        if made := await in_thread(partial(shares.refresh, machine), "shares"):
            await note(Facts(event=Event.FOLLOW, message=summary(made.places)))
    except SigmaVaultError as error:
        _log.error("the shares do not follow what is mounted: %s", error)
        return _AGAIN_S
    return None
