"""A caller of hostd with one connection: takes a call on each line of its input, answers on its output.

A call: {"path": …, "interface": …, "member": …, "signature": …, "data": […]}; descriptors of secrets are made
here out of texts: {"secrets": {name: text}} stands as the last argument.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from sdbus import SdBus
from sdbus.exceptions import SdBusBaseError
from sigmavault.core.errors import SigmaVaultError
from sigmavault.system.bus import open_system


def descriptors(told: dict[str, str]) -> dict[str, int]:
    made = {}
    for name, text in told.items():
        made[name], writable = os.pipe()
        os.write(writable, text.encode())
        os.close(writable)
    return made


async def call(bus: SdBus, asked: dict[str, Any]) -> Any:
    message = bus.new_method_call_message(
        "org.sigmavault.Host", asked["path"], asked["interface"], asked["member"]
    )
    data = list(asked["data"])
    if "secrets" in asked:
        data.append(descriptors(asked["secrets"]))
    if asked["signature"]:
        message.append_data(asked["signature"], *data)
    return (await bus.call_async(message)).parse_to_tuple()


async def main() -> None:
    bus = open_system()
    for line in sys.stdin:
        try:
            answer: dict[str, Any] = {"answer": await call(bus, json.loads(line))}
        except SigmaVaultError as error:
            answer = {"error": type(error).dbus_name(), "message": str(error)}
        except SdBusBaseError as error:
            answer = {"error": type(error).__name__, "message": str(error)}
        print(json.dumps(answer), flush=True)  # noqa: T201  # it is what this program is for


asyncio.run(main())
