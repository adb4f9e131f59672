"""Whether a pool is being scrubbed or resilvered, as the host daemon tells it.

It is asked once, and again when it tells of a change; each question is a record of the audit, so it is
never asked in between. Without the daemon no scan is known, and none is made up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import Any

from sdbus import SdBus, SdBusBaseError
from sdbus.sd_bus_internals import SdBusMessage

from sigmavault.contract import host1
from sigmavault.core.errors import SigmaVaultError, ZfsMissingError
from sigmavault.core.governor.watching import Scan

_DBUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
_REST_S = 2.0
"""Changes come in bursts."""
_LONG_S = 300.0
"""While a scan runs: a signal may have been lost."""

_log = logging.getLogger(__name__)


class ScanWatch:
    """Keeps `scan` as it is."""

    def __init__(self, bus: SdBus) -> None:
        self.scan = Scan.NONE
        self._bus = bus
        self._event = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        self._slots = [
            await self._bus.match_signal_async(
                host1.BUS_NAME, host1.OBJECT_PATH, host1.INTERFACE, "PoolChanged", self._changed
            ),
            await self._bus.match_signal_async(*_DBUS, "NameOwnerChanged", self._owner_changed),
        ]
        while True:
            await self._ask()
            patience_s = None if self.scan is Scan.NONE else _LONG_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._event.wait()
            await asyncio.sleep(_REST_S)
            self._event.clear()

    async def _ask(self) -> None:
        is_interactive = False
        try:
            (is_there,) = await self._call(*_DBUS, "NameHasOwner", "s", host1.BUS_NAME)
            if not is_there:  # it will be noticed when it comes
                self.scan = Scan.NONE
                return
            (told,) = await self._call(
                host1.BUS_NAME,
                host1.OBJECT_PATH,
                host1.INTERFACE,
                "Read",
                "ssb",
                "pool.list",
                "{}",
                is_interactive,
            )
            self.scan = most_urgent(json.loads(str(told)))
        except ZfsMissingError:
            self.scan = Scan.NONE
        except (SdBusBaseError, SigmaVaultError, ValueError, KeyError, TypeError) as error:
            _log.warning("whether a pool is scanned is not known: %s", error)
            self.scan = Scan.NONE

    async def _call(
        self, name: str, path: str, interface: str, member: str, signature: str, *arguments: object
    ) -> tuple[Any, ...]:
        message = self._bus.new_method_call_message(name, path, interface, member)
        message.append_data(signature, *arguments)
        return tuple((await self._bus.call_async(message)).parse_to_tuple())

    def _changed(self, _message: SdBusMessage) -> None:
        self._event.set()

    def _owner_changed(self, message: SdBusMessage) -> None:
        if message.parse_to_tuple()[0] == host1.BUS_NAME:
            self._event.set()


def most_urgent(answer: Any) -> Scan:
    """The scan that runs, out of the answer of `pool.list`, where `working_on` is `resilver 42 %`."""
    words = {str(pool["working_on"]).partition(" ")[0] for pool in answer["pools"]}
    return next((each for each in (Scan.RESILVER, Scan.SCRUB) if each in words), Scan.NONE)
