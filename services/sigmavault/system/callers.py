"""Who calls on the system bus, for the audit: what the bus and the kernel know of a connection.

Only the user is proof (the bus has it from the kernel, and a unique name is never given twice); the rest
helps people to find who it was.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sdbus import SdBus
from sdbus.exceptions import SdBusBaseError

from sigmavault.core.audit import NOBODY, Who
from sigmavault.system.bus import Departures, uid_of
from sigmavault.system.cgroups import unit_in
from sigmavault.system.files import read_or_empty

_DBUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
_LOGIND = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
_SESSION = "org.freedesktop.login1.Session"
_PATIENCE_S = 2.0

_log = logging.getLogger(__name__)


class Callers:
    """The callers that are connected, each asked for once."""

    def __init__(self, bus: SdBus, departures: Departures, gone: Callable[[str], object]) -> None:
        """`gone` hears the unique names of those who leave."""
        self._bus = bus
        self._departures = departures
        self._gone = gone
        self._known: dict[str, Who] = {}

    async def who(self, name: str) -> Who:
        """The caller of a unique name; one of user `NOBODY` when it has left the bus."""
        if (known := self._known.get(name)) is not None:
            return known
        try:
            uid = await uid_of(self._bus, name)
        except SdBusBaseError as error:
            _log.info("nobody can say who %s is: %s", name, error)
            return Who(name=name, uid=NOBODY)
        found = Who(name=name, uid=uid, user=_user_name(uid), **await self._about(name))
        if name not in self._known:
            self._known[name] = found
            self._departures.add(name, lambda: self._forget(name))
        return found

    def _forget(self, name: str) -> None:
        self._known.pop(name, None)
        self._gone(name)

    async def _about(self, name: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                pid = await self._pid(name)
                unit = unit_in(read_or_empty(Path(f"/proc/{pid}/cgroup")))
                return {"pid": pid, "program": _program(pid), "unit": unit, "place": await self._place(unit)}
        except (SdBusBaseError, TimeoutError) as error:
            _log.info("who %s is, beyond its user, is not known: %s", name, error)
            return {}

    async def _pid(self, name: str) -> int:
        message = self._bus.new_method_call_message(*_DBUS, "GetConnectionUnixProcessID")
        message.append_data("s", name)
        return int(str((await self._bus.call_async(message)).parse_to_tuple()[0]))

    async def _place(self, unit: str) -> str:
        """Where a login comes from: its remote host, or its terminal or seat."""
        if not (unit.startswith("session-") and unit.endswith(".scope")):
            return ""
        try:
            message = self._bus.new_method_call_message(*_LOGIND, "GetSession")
            message.append_data("s", unit.removeprefix("session-").removesuffix(".scope"))
            path = str((await self._bus.call_async(message)).parse_to_tuple()[0])
            places = [await self._property(path, key) for key in ("RemoteHost", "TTY", "Display")]
        except SdBusBaseError:
            return ""  # no logind, or the session has ended
        return next((place for place in places if place), "")

    async def _property(self, path: str, key: str) -> str:
        message = self._bus.new_property_get_message(_LOGIND[0], path, _SESSION, key)
        value = (await self._bus.call_async(message)).parse_to_tuple()[0]
        return str(value[1])


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def _program(pid: int) -> str:
    """The executable; where we may not look (no CAP_SYS_PTRACE): what the process calls itself."""
    try:
        return os.fspath(Path(f"/proc/{pid}/exe").readlink())
    except OSError:
        return read_or_empty(Path(f"/proc/{pid}/comm")).strip()
