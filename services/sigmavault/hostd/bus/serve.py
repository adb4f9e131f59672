"""Puts the daemon on the system bus."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdbus import SdBus

from sigmavault.contract.host1 import BUS_NAME, OBJECT_PATH
from sigmavault.core.audit import Who
from sigmavault.core.jobs import JobRecord
from sigmavault.hostd.bus.job import KEPT_S, JobObjects
from sigmavault.hostd.bus.manager import ManagerObject, call_plan, call_read
from sigmavault.hostd.bus.nouns import interfaces
from sigmavault.hostd.host import Host
from sigmavault.hostd.pool_states import PoolChange
from sigmavault.hostd.pools import PoolWatch
from sigmavault.operations import registry
from sigmavault.system import bus
from sigmavault.system.callers import Callers


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is on the bus. Keep it: the bus does not.

    Attributes:
        manager: the object.
        jobs: the objects of the jobs.
        watch: what tells of the pools; its `run` is the caller's.
    """

    manager: ManagerObject
    jobs: JobObjects
    watch: PoolWatch


def _host_object() -> type[ManagerObject]:
    """The manager with an interface for each noun."""
    everything = {noun: registry.of_noun(noun) for noun in registry.nouns()}
    bases = (ManagerObject, *interfaces(everything, call_read, call_plan))
    made: Any = types.new_class("HostObject", bases)
    return made  # type: ignore[no-any-return]


async def serve(connection: SdBus, host: Host, callers: Callers) -> Served:
    """Put the daemon on the bus, and find out how the jobs ended that ran when it died.

    Raises:
        SdBusRequestNameError: the name is taken, or the policy forbids it.
    """
    jobs = JobObjects(connection, host, callers)

    def tell_pool(change: PoolChange) -> None:
        manager.pool_changed.emit((change.pool, change.guid, change.state, change.cause))

    def tell_job(record: JobRecord) -> None:
        jobs.show(record)
        if record.is_over:
            for target in record.plan.targets:
                manager.object_changed.emit((target.kind, target.name, record.operation))

    async def reported(who: Who, told: Mapping[str, str]) -> None:
        await host.report(who, told)
        watch.nudge()

    watch = PoolWatch(host.machine, tell_pool)
    manager = _host_object()(host, callers, jobs, reported)
    bus.put(manager, OBJECT_PATH, connection)
    host.jobs.changed = tell_job
    await host.jobs.resolve()
    for record in host.jobs.recent(KEPT_S):
        jobs.show(record)
    await connection.request_name_async(BUS_NAME, 0)
    return Served(manager=manager, jobs=jobs, watch=watch)
