"""Plays a model service that says what a terminal would obey; prints a line when it is on the bus.

Whatever a model can say, this says: names, reasons and text full of control characters.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from sdbus import DbusInterfaceCommonAsync, dbus_method_async, dbus_property_async, sd_bus_open_system
from sigmavault.contract.ryzan1 import BUS_NAME, INTERFACE, JOB_INTERFACE, OBJECT_PATH, ModelKey, StatusKey

TEXT = "\x1b[2Jowned\x1b]0;title\x07 \x9b6n a\rb \u202egnp.exe\n".encode()
NUMBERS: dict[str, tuple[str, Any]] = {
    "memory_bytes": ("t", 1), "tokens_per_second": ("d", 1.0), "quota_cpus": ("d", 1.0), "threads": ("u", 1),
    "context_tokens": ("u", 1), "active_requests": ("u", 1),
    "answers_kept": ("t", 1), "answers_bytes": ("t", 1),
}  # fmt: skip


def told(keys: type[StatusKey] | type[ModelKey]) -> dict[str, tuple[str, Any]]:
    return {key.value: NUMBERS.get(key.value, ("s", "\x1b[2Jevil\x07")) for key in keys}


class Job(DbusInterfaceCommonAsync, interface_name=JOB_INTERFACE):
    @dbus_property_async("s", property_name="State")
    def state(self) -> str:
        return "done"

    @dbus_property_async("s", property_name="Error")
    def error(self) -> str:
        return ""

    @dbus_property_async("s", property_name="FinishReason")
    def finish_reason(self) -> str:
        return "stop"

    @dbus_property_async("u", property_name="CompletionTokens")
    def completion_tokens(self) -> int:
        return 1


class Hostile(DbusInterfaceCommonAsync, interface_name=INTERFACE):
    @dbus_method_async("sa(ss)a{sv}", "oh", method_name="ChatStream")
    async def chat_stream(
        self, model: str, messages: list[tuple[str, str]], options: dict[str, tuple[str, Any]]
    ) -> tuple[str, int]:
        readable, writable = os.pipe()
        os.write(writable, TEXT)
        os.close(writable)
        asyncio.get_running_loop().call_soon(os.close, readable)
        return f"{OBJECT_PATH}/jobs/1", readable

    @dbus_method_async("", "a{sv}", method_name="GetStatus")
    async def get_status(self) -> dict[str, tuple[str, Any]]:
        return told(StatusKey)

    @dbus_method_async("", "aa{sv}", method_name="ListModels")
    async def list_models(self) -> list[dict[str, tuple[str, Any]]]:
        return [told(ModelKey), {**told(ModelKey), "id": ("s", "other\x1b[A"), "state": ("s", "ready")}]


async def main() -> None:
    connection = sd_bus_open_system()
    hostile, job = Hostile(), Job()
    hostile.export_to_dbus(OBJECT_PATH, connection)
    job.export_to_dbus(f"{OBJECT_PATH}/jobs/1", connection)
    await connection.request_name_async(BUS_NAME, 0)
    print("ready", flush=True)  # noqa: T201  # it is the protocol
    await asyncio.Event().wait()


asyncio.run(main())
