"""`org.sigmavault.Host1`: what is the same for all operations, and what is told to everybody."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import cache

from sdbus import (
    DbusInterfaceCommonAsync,
    DbusPropertyConstFlag,
    DbusUnprivilegedFlag,
    dbus_method_async,
    dbus_property_async,
    dbus_signal_async,
)

from sigmavault import __version__
from sigmavault.contract.host1 import INTERFACE
from sigmavault.core.audit import Who
from sigmavault.core.operation.surfaces import description
from sigmavault.hostd.bus.edge import answered
from sigmavault.hostd.bus.job import JobObjects
from sigmavault.hostd.descriptors import Descriptors
from sigmavault.hostd.host import Host
from sigmavault.operations import registry
from sigmavault.system import bus
from sigmavault.system.callers import Callers


@cache
def _described() -> str:
    return json.dumps([description(each) for each in registry.everything().values()])


type Reported = Callable[[Who, dict[str, str]], Awaitable[None]]


class ManagerObject(DbusInterfaceCommonAsync, interface_name=INTERFACE):
    """The object at `/org/sigmavault/Host`, without its nouns."""

    def __init__(self, host: Host, callers: Callers, jobs: JobObjects, reported: Reported) -> None:
        super().__init__()
        self._host, self._callers, self._jobs, self._reported = host, callers, jobs, reported

    @dbus_property_async("s", DbusPropertyConstFlag, property_name="Version")
    def version(self) -> str:
        """Of the daemon."""
        return __version__

    @dbus_property_async("b", DbusPropertyConstFlag, property_name="IsSimulated")
    def is_simulated(self) -> bool:
        """Whether nothing here is real."""
        return self._host.machine.is_simulated

    @dbus_method_async("", "s", DbusUnprivilegedFlag, ("operations",), (), method_name="Describe")
    async def describe(self) -> str:
        """All declarations of operations, as JSON."""
        return _described()

    @dbus_method_async(
        "ssb", "s", DbusUnprivilegedFlag, ("answer",), ("operation", "arguments", "interactive"),
        method_name="Read",
    )  # fmt: skip
    async def read(self, operation: str, arguments: str, interactive: bool) -> str:  # noqa: FBT001  # as above
        """A read whose caller may be asked for a password."""
        sender = bus.caller()
        return await answered(self.read_for(sender, operation, arguments, interactive=interactive))

    @dbus_method_async(
        "ssba{sh}", "o", DbusUnprivilegedFlag, ("job",), ("token", "confirmation", "interactive", "secrets"),
        method_name="Apply",
    )  # fmt: skip
    async def apply(
        self, token: str, confirmation: str, interactive: bool, secrets: dict[str, int]  # noqa: FBT001
    ) -> str:  # fmt: skip
        """Do what a plan said."""
        sender, descriptors = bus.caller(), Descriptors(secrets)
        try:
            return await answered(
                self._apply(sender, token, confirmation, descriptors, interactive=interactive)
            )
        finally:
            descriptors.close()

    @dbus_method_async("a{ss}", "", DbusUnprivilegedFlag, (), ("event",), method_name="ReportEvent")
    async def report_event(self, event: dict[str, str]) -> None:
        """Zed tells that something happened to a pool; only root may."""
        sender = bus.caller()
        await answered(self._report(sender, event))

    @dbus_signal_async("ssss", ("pool", "guid", "state", "cause"), signal_name="PoolChanged")
    def pool_changed(self) -> tuple[str, str, str, str]:
        """The state of a pool, or of one of its devices, has changed."""
        raise NotImplementedError

    @dbus_signal_async("sss", ("kind", "name", "operation"), signal_name="ObjectChanged")
    def object_changed(self) -> tuple[str, str, str]:
        """An operation has ended that touched this object."""
        raise NotImplementedError

    async def read_for(self, sender: str, operation: str, arguments: str, *, interactive: bool) -> str:
        """`Host.read` for a unique name."""
        who = await self._callers.who(sender)
        return await self._host.read(who, operation, arguments, interactive=interactive)

    async def plan_for(self, sender: str, operation: str, arguments: str) -> tuple[str, str]:
        """`Host.plan` for a unique name."""
        return await self._host.plan(await self._callers.who(sender), operation, arguments)

    async def _apply(
        self, sender: str, token: str, confirmation: str, secrets: Descriptors, *, interactive: bool
    ) -> str:
        record = await self._host.apply(
            await self._callers.who(sender), token, confirmation, interactive=interactive,
            brought=secrets,
        )  # fmt: skip
        return self._jobs.show(record)

    async def _report(self, sender: str, event: dict[str, str]) -> None:
        await self._reported(await self._callers.who(sender), event)


async def call_read(manager: ManagerObject, operation: str, arguments: str) -> str:
    """What the method of a read does: nobody is asked for a password."""
    sender = bus.caller()
    return await answered(manager.read_for(sender, operation, arguments, interactive=False))


async def call_plan(manager: ManagerObject, operation: str, arguments: str) -> tuple[str, str]:
    """What the method of a change does."""
    sender = bus.caller()
    return await answered(manager.plan_for(sender, operation, arguments))
