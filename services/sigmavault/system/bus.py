"""The system bus, through python3-sdbus."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import select
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from sdbus import (
    DbusInterfaceCommonAsync,
    SdBus,
    SdBusLibraryError,
    get_current_message,
    map_exception_to_dbus_error,
    sd_bus_open_system,
)
from sdbus.sd_bus_internals import EXCEPTION_TO_DBUS_ERROR, SdBusMessage

from sigmavault.core.errors import CommandError, ServiceUnavailableError, SigmaVaultError, tree

_log = logging.getLogger(__name__)

_DBUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")


def open_system() -> SdBus:
    """A connection to the system bus (`$DBUS_SYSTEM_BUS_ADDRESS` moves it).

    Our errors cross it under their own names in both directions.
    """
    _map_errors()
    return sd_bus_open_system()


@contextmanager
def connected(patience_s: float) -> Iterator[SdBus]:
    """A connection of its own, for a while; a call on it waits so many seconds for its answer.

    Raises:
        ServiceUnavailableError: there is no system bus.
    """
    try:
        connection = open_system()
    except SdBusLibraryError as error:
        raise ServiceUnavailableError("the system bus cannot be reached", "is this a SigmaVault?") from error
    connection.method_call_timeout_usec = int(patience_s * 1_000_000)
    try:
        yield connection
    finally:
        connection.close()


@cache  # once in a process: a name that is mapped already is refused
def _map_errors() -> None:
    for kind in tree(SigmaVaultError):
        if issubclass(kind, CommandError):  # those are made of more than a message
            EXCEPTION_TO_DBUS_ERROR[kind] = kind.dbus_name()
        else:
            map_exception_to_dbus_error(kind, kind.dbus_name())


def caller() -> str:
    """Unique bus name of whoever calls the method that is running; ask before the first await."""
    sender = get_current_message().sender
    if not sender:
        raise SigmaVaultError("a D-Bus call without a sender")
    return sender


async def uid_of(bus: SdBus, name: str) -> int:
    """The user of a connection, by its unique bus name."""
    message = bus.new_method_call_message(*_DBUS, "GetConnectionUnixUser")
    message.append_data("s", name)
    answer = await bus.call_async(message)
    return int(str(answer.parse_to_tuple()[0]))


_on_bus: dict[int, tuple[DbusInterfaceCommonAsync, Any]] = {}


def put(thing: DbusInterfaceCommonAsync, path: str, connection: SdBus) -> Callable[[], None]:
    """Put an object on the bus; returns what takes it off again.

    What never was is taken off at the end of the process, while all of it is still there: python-sdbus frees
    the description of an interface with its object, and libsystemd reads it when the slot goes. In which
    order the interpreter would free the two is chance, and one of the orders crashes.
    """
    handle = thing.export_to_dbus(path, connection)
    _on_bus[id(handle)] = (thing, handle)

    def take_off() -> None:
        if _on_bus.pop(id(handle), None) is not None:
            handle.stop()

    return take_off


@atexit.register
def _take_all_off() -> None:
    for _, handle in _on_bus.values():
        handle.stop()


class Lifeline:
    """Notices when the bus hangs up: its daemon died, or was started anew and knows nobody any more.

    Whoever only serves would never learn of it: what sd-bus has for this (`Disconnected`) does not come
    through python-sdbus, and its reader then keeps the loop busy for nothing. So the kernel is asked:
    EPOLLRDHUP, epoll(7). A daemon ends then, and systemd starts it on the new bus: names, matches and callers
    are gone with the old one.
    """

    def __init__(self, bus: SdBus, then: Callable[[], object]) -> None:
        """`then` is called in the loop that runs, once, when the bus has hung up."""
        self.is_cut = False
        self._then = then
        # one of our own: sd-bus closes its descriptor when it likes
        self._line = os.dup(bus.get_fd())
        self._poll = select.epoll()
        self._poll.register(self._line, select.EPOLLRDHUP)
        asyncio.get_running_loop().add_reader(self._poll.fileno(), self._cut)

    def check(self) -> None:
        """Let go; for the end of a daemon.

        Raises:
            ServiceUnavailableError: the bus has hung up.
        """
        self._let_go()
        if self.is_cut:
            raise ServiceUnavailableError("the system bus has hung up", "systemd starts this service anew")

    def _cut(self) -> None:
        self.is_cut = True
        self._let_go()
        _log.warning("the system bus has hung up")
        self._then()

    def _let_go(self) -> None:
        if not self._poll.closed:
            asyncio.get_running_loop().remove_reader(self._poll.fileno())
            self._poll.close()
            os.close(self._line)


class Departures:
    """Tells when callers leave the bus."""

    def __init__(self, bus: SdBus) -> None:
        self._bus = bus
        self._callbacks: dict[str, list[Callable[[], object]]] = defaultdict(list)

    async def watch(self) -> None:
        """Begin to listen."""
        # the match lives as long as what is returned here
        self._slot = await self._bus.match_signal_async(*_DBUS, "NameOwnerChanged", self._changed)

    def add(self, name: str, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back when the unique name is gone; returns a function that takes this back."""
        self._callbacks[name].append(callback)

        def remove() -> None:
            left = self._callbacks.get(name, [])
            if callback in left:
                left.remove(callback)
            if not left:
                self._callbacks.pop(name, None)

        return remove

    def _changed(self, message: SdBusMessage) -> None:
        name, _old, new = message.parse_to_tuple()
        if not new:
            for callback in self._callbacks.pop(str(name), []):
                callback()
