"""`org.sigmavault.HostJob1`: one job, while it runs and a while after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sdbus import (
    DbusInterfaceCommonAsync,
    DbusUnprivilegedFlag,
    SdBus,
    dbus_method_async,
    dbus_property_async,
)

from sigmavault.contract.host1 import JOB_INTERFACE, JOBS_PATH, JobKey
from sigmavault.core.errors import by_code
from sigmavault.core.jobs import JobRecord
from sigmavault.hostd.bus.edge import answered
from sigmavault.hostd.host import Host
from sigmavault.system import bus
from sigmavault.system.callers import Callers

KEPT_S = 600.0
"""How long an ended job stays on the bus; after that `job.show` has it."""


def spelled(record: JobRecord) -> dict[str, tuple[str, Any]]:
    """The properties of a job, by name, with their types."""
    return {
        JobKey.STATE: ("s", record.state.value),
        JobKey.OPERATION: ("s", record.operation),
        JobKey.TEXT: ("s", record.text),
        JobKey.PROGRESS: ("d", -1.0 if record.fraction is None else float(record.fraction)),
        JobKey.ANSWER: ("s", record.answer),
        JobKey.ERROR: ("s", by_code(record.error).dbus_name() if record.error else ""),
        JobKey.MESSAGE: ("s", record.message),
        JobKey.HINT: ("s", record.hint),
    }


class JobObject(DbusInterfaceCommonAsync, interface_name=JOB_INTERFACE):
    """One job on the bus."""

    def __init__(self, record: JobRecord, host: Host, callers: Callers) -> None:
        super().__init__()
        self.record = record
        self._host, self._callers = host, callers

    def _value(self, key: JobKey) -> Any:
        return spelled(self.record)[key][1]

    @dbus_property_async("s", property_name=JobKey.STATE.value)
    def state(self) -> str:
        """One of `JobState`."""
        return str(self._value(JobKey.STATE))

    @dbus_property_async("s", property_name=JobKey.OPERATION.value)
    def operation(self) -> str:
        """Name of the operation."""
        return str(self._value(JobKey.OPERATION))

    @dbus_property_async("s", property_name=JobKey.TEXT.value)
    def text(self) -> str:
        """What is being done."""
        return str(self._value(JobKey.TEXT))

    @dbus_property_async("d", property_name=JobKey.PROGRESS.value)
    def progress(self) -> float:
        """0 to 1; -1 when nobody can say."""
        return float(self._value(JobKey.PROGRESS))

    @dbus_property_async("s", property_name=JobKey.ANSWER.value)
    def answer(self) -> str:
        """JSON of what it answered."""
        return str(self._value(JobKey.ANSWER))

    @dbus_property_async("s", property_name=JobKey.ERROR.value)
    def error(self) -> str:
        """D-Bus name of the failure; empty without one."""
        return str(self._value(JobKey.ERROR))

    @dbus_property_async("s", property_name=JobKey.MESSAGE.value)
    def message(self) -> str:
        """The failure in words."""
        return str(self._value(JobKey.MESSAGE))

    @dbus_property_async("s", property_name=JobKey.HINT.value)
    def hint(self) -> str:
        """What to do about it."""
        return str(self._value(JobKey.HINT))

    @dbus_method_async("b", "", DbusUnprivilegedFlag, (), ("interactive",), method_name="Cancel")
    async def cancel(self, interactive: bool) -> None:  # noqa: FBT001  # the bus has no keywords
        """Stop before the next step; for who began it, and who may do the same."""
        sender = bus.caller()
        await answered(self._cancel(sender, interactive=interactive))

    async def _cancel(self, sender: str, *, interactive: bool) -> None:
        await self._host.cancel(await self._callers.who(sender), self.record.id, interactive=interactive)

    def show(self, record: JobRecord) -> None:
        """The job is one step further: tell what is new."""
        before, now = spelled(self.record), spelled(record)
        self.record = record
        if new := {str(key): value for key, value in now.items() if before[key] != value}:
            self.properties_changed.emit((JOB_INTERFACE, new, []))


class JobObjects:
    """The jobs on the bus, under `JOBS_PATH`."""

    def __init__(self, connection: SdBus, host: Host, callers: Callers) -> None:
        self._connection, self._host, self._callers = connection, host, callers
        self._shown: dict[str, tuple[JobObject, Callable[[], None]]] = {}

    def show(self, record: JobRecord) -> str:
        """Show a job as it is now; returns its path. It goes a while after it ended."""
        path = f"{JOBS_PATH}/{record.id}"
        if (shown := self._shown.get(record.id)) is not None:
            shown[0].show(record)
        else:
            made = JobObject(record, self._host, self._callers)
            self._shown[record.id] = (made, bus.put(made, path, self._connection))
        if record.is_over:
            asyncio.get_running_loop().call_later(KEPT_S, self._hide, record.id)
        return path

    def _hide(self, job: str) -> None:
        if (shown := self._shown.pop(job, None)) is not None:
            shown[1]()
