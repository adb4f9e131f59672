"""Takes systemd's part on a private bus, as far as limits of units go: takes what it is told, writes it down.

limits_run.py FOLDER: appends each call to FOLDER/limits.jsonl; FOLDER/traffic has the bytes that Samba has
moved; while FOLDER/refuses exists, calls are refused. What a limit does is for the tests in a machine.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from sdbus import DbusFailedError, DbusInterfaceCommonAsync, dbus_method_async, dbus_property_async
from sigmavault.system.bus import open_system

FOLDER = Path(sys.argv[1])
NOT_COUNTED = 2**64 - 1


class Manager(DbusInterfaceCommonAsync, interface_name="org.freedesktop.systemd1.Manager"):
    @dbus_method_async("sba(sv)", "", method_name="SetUnitProperties")
    async def set_unit_properties(self, name: str, runtime: bool, properties: list[Any]) -> None:
        if (FOLDER / "refuses").exists():
            raise DbusFailedError("not today")
        with (FOLDER / "limits.jsonl").open("a") as file:
            file.write(json.dumps([name, runtime, properties]) + "\n")


class Samba(DbusInterfaceCommonAsync, interface_name="org.freedesktop.systemd1.Service"):
    @dbus_property_async("t", property_name="IPIngressBytes")
    def ingress(self) -> int:
        told = (FOLDER / "traffic").read_text()
        return int(told) if told else NOT_COUNTED

    @dbus_property_async("t", property_name="IPEgressBytes")
    def egress(self) -> int:
        return 0 if (FOLDER / "traffic").read_text() else NOT_COUNTED


async def main() -> None:
    bus = open_system()
    manager, samba = Manager(), Samba()
    manager.export_to_dbus("/org/freedesktop/systemd1", bus)
    samba.export_to_dbus("/org/freedesktop/systemd1/unit/smbd_2eservice", bus)
    await bus.request_name_async("org.freedesktop.systemd1", 0)
    await asyncio.sleep(3600)


asyncio.run(main())
