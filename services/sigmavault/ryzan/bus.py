"""`org.sigmavault.Ryzan1` on the system bus.

Nothing of a conversation goes into signals, properties or error messages: anybody may read those.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sdbus import DbusInterfaceCommonAsync, DbusUnprivilegedFlag, SdBus, dbus_method_async

from sigmavault.contract.ryzan1 import BUS_NAME, INTERFACE, OBJECT_PATH, Action, StatusKey
from sigmavault.core.chat import Message, Role
from sigmavault.core.errors import InvalidRequestError, WorkerLostError
from sigmavault.core.wish import Answer, ContentDelta, Wish
from sigmavault.ryzan.service import Service, Status
from sigmavault.system import bus, polkit

_TYPES = {
    StatusKey.MODEL: "s",
    StatusKey.STATE: "s",
    StatusKey.REASON: "s",
    StatusKey.VERSION: "s",
    StatusKey.MEMORY_BYTES: "t",
    StatusKey.TOKENS_PER_SECOND: "d",
    StatusKey.THREADS: "u",
    StatusKey.THREADS_REASON: "s",
    StatusKey.CONTEXT_TOKENS: "u",
    StatusKey.ACTIVE_REQUESTS: "u",
}

_ROLES = {"developer": Role.SYSTEM, **{role.value: role for role in Role if role is not Role.TOOL}}


def status_variants(status: Status) -> dict[str, tuple[str, Any]]:
    """A status as `a{sv}`."""
    return {key.value: (kind, getattr(status, key.value)) for key, kind in _TYPES.items()}


def parse_messages(pairs: list[tuple[str, str]]) -> tuple[Message, ...]:
    """The conversation out of `a(ss)`.

    Raises:
        InvalidRequestError: it is empty or a role is unknown.
    """
    if not pairs:
        raise InvalidRequestError("there is no message", param="messages")
    if unknown := {role for role, _ in pairs} - set(_ROLES):
        raise InvalidRequestError(
            f"unknown role {sorted(unknown)[0]!r}: {', '.join(_ROLES)} are known", param="messages"
        )
    return tuple(Message(role=_ROLES[role], content=content) for role, content in pairs)


class RyzanObject(DbusInterfaceCommonAsync, interface_name=INTERFACE):
    """The object at `/org/sigmavault/Ryzan`."""

    def __init__(self, service: Service, connection: SdBus, departures: bus.Departures) -> None:
        super().__init__()
        self._service = service
        self._connection = connection
        self._departures = departures

    @dbus_method_async(
        "sa(ss)", "s", DbusUnprivilegedFlag, ("response",), ("model", "messages"), method_name="Chat"
    )
    async def chat(self, model: str, messages: list[tuple[str, str]]) -> str:
        """Ask the model; an empty name means the one that is served."""
        sender = bus.caller()
        wish = Wish(prompt=parse_messages(messages))
        work = asyncio.create_task(self._answer(model, wish))
        remove = self._departures.add(sender, work.cancel)
        try:
            return await work
        except asyncio.CancelledError as error:
            raise WorkerLostError("the caller has left the bus") from error
        finally:
            remove()

    @dbus_method_async("", "a{sv}", DbusUnprivilegedFlag, ("status",), (), method_name="GetStatus")
    async def get_status(self) -> dict[str, tuple[str, Any]]:
        """How the service is doing."""
        return status_variants(self._service.status())

    @dbus_method_async("s", "", DbusUnprivilegedFlag, (), ("model",), method_name="LoadModel")
    async def load_model(self, model: str) -> None:
        """Make sure that a model is loaded; returns when it can answer."""
        sender = bus.caller()
        await polkit.require(self._connection, sender, Action.MANAGE_MODELS, interactive=True)
        await self._service.load(model)

    async def _answer(self, name: str, wish: Wish) -> str:
        answer = await self._service.answer(name, wish)
        try:
            return await _text(answer)
        finally:
            answer.cancel()


async def _text(answer: Answer) -> str:
    texts: list[str] = []
    while (event := await answer.next()) is not None:
        if isinstance(event, ContentDelta):
            texts.append(event.text)
    return "".join(texts)


async def serve(service: Service) -> RyzanObject:
    """Put the service on the system bus; keep what is returned.

    Raises:
        SdBusLibraryError: there is no bus.
        SdBusRequestNameError: the name is taken, or the policy forbids it.
    """
    connection = bus.open_system()
    departures = bus.Departures(connection)
    await departures.watch()
    served = RyzanObject(service, connection, departures)
    served.export_to_dbus(OBJECT_PATH, connection)
    await connection.request_name_async(BUS_NAME, 0)
    return served
