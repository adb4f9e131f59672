"""`org.sigmavault.Governor1` on the system bus."""

from __future__ import annotations

import pwd
from typing import TYPE_CHECKING

from sdbus import DbusInterfaceCommonAsync, DbusUnprivilegedFlag, SdBus, dbus_method_async, dbus_signal_async

from sigmavault.contract.governor1 import BORROWER, BUS_NAME, INTERFACE, OBJECT_PATH
from sigmavault.core.errors import NotAuthorizedError
from sigmavault.core.governor.history import Change
from sigmavault.system import bus

if TYPE_CHECKING:
    from sigmavault.governor.governor import Governor


class GovernorObject(DbusInterfaceCommonAsync, interface_name=INTERFACE):
    """The object at `/org/sigmavault/Governor`."""

    def __init__(self, connection: SdBus, departures: bus.Departures) -> None:
        super().__init__()
        self._connection, self._departures = connection, departures
        self._borrowers: set[str] = set()

    governor: Governor
    """Set before the object is exported."""

    @dbus_method_async("", "s", DbusUnprivilegedFlag, ("status",), (), method_name="Status")
    async def status(self) -> str:
        """What the model gets, why, what is seen, and the last minutes: JSON, see `StatusKey`."""
        return self.governor.status()

    @dbus_method_async(
        "st", "t", DbusUnprivilegedFlag, ("lent",), ("purpose", "need"), method_name="BorrowMemory"
    )
    async def borrow_memory(self, purpose: str, need: int) -> int:
        """Let the ZFS cache lend what a model of `need` bytes lacks; 0 gives it back."""
        sender = bus.caller()
        if await bus.uid_of(self._connection, sender) not in _may_borrow():
            raise NotAuthorizedError("only the model service borrows memory of the ZFS cache")
        if sender not in self._borrowers:
            self._borrowers.add(sender)
            self._departures.add(sender, lambda: self._left(sender))
        return await self.governor.lend(sender, purpose[:200], need)

    @dbus_signal_async("ssu", ("state", "cause", "cpu_percent"), signal_name="Changed")
    def changed(self) -> tuple[str, str, int]:
        """What the model gets was changed."""
        raise NotImplementedError

    def tell(self, change: Change) -> None:
        """Emit `Changed`."""
        self.changed.emit((change.state, change.cause, change.cpu_percent))

    def _left(self, sender: str) -> None:
        self._borrowers.discard(sender)
        self.governor.forget(sender)


def _may_borrow() -> set[int]:
    try:
        return {0, pwd.getpwnam(BORROWER).pw_uid}
    except KeyError:
        return {0}


async def serve(connection: SdBus, served: GovernorObject) -> None:
    """Put the object on the bus, and take the name.

    Raises:
        SdBusRequestNameError: the name is taken, or the policy forbids it.
    """
    bus.put(served, OBJECT_PATH, connection)
    await connection.request_name_async(BUS_NAME, 0)
