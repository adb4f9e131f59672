"""`org.sigmavault.Ryzan1`: chat, models, status."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable
from typing import Any

from sdbus import DbusInterfaceCommonAsync, DbusUnprivilegedFlag, SdBus, dbus_method_async

from sigmavault.contract.ryzan1 import BUS_NAME, INTERFACE, OBJECT_PATH, Action
from sigmavault.core.errors import ModelBusyError, WorkerLostError
from sigmavault.core.wish import Answer, ContentDelta, Wish
from sigmavault.ryzan.bus.job import Job, Jobs
from sigmavault.ryzan.bus.stream import PipeWriter, pump
from sigmavault.ryzan.bus.values import Variants, model_variants, parse_wish, status_variants
from sigmavault.ryzan.service import Service
from sigmavault.system import bus, polkit


class RyzanObject(DbusInterfaceCommonAsync, interface_name=INTERFACE):
    """The object at `/org/sigmavault/Ryzan`."""

    def __init__(self, service: Service, connection: SdBus, departures: bus.Departures) -> None:
        super().__init__()
        self._service = service
        self._connection = connection
        self._departures = departures
        self._jobs = Jobs(connection)

    @dbus_method_async(
        "sa(ss)", "s", DbusUnprivilegedFlag, ("response",), ("model", "messages"), method_name="Chat"
    )
    async def chat(self, model: str, messages: list[tuple[str, str]]) -> str:
        """Ask a model; an empty name means the default one, `auto` lets the service choose."""
        sender = bus.caller()
        wish = parse_wish(messages, {}, await self._uid(sender))
        return await self._while_there(sender, self._whole(model, wish))

    @dbus_method_async(
        "sa(ss)a{sv}", "oh", DbusUnprivilegedFlag, ("job", "tokens"), ("model", "messages", "options"),
        method_name="ChatStream",
    )  # fmt: skip
    async def chat_stream(
        self, model: str, messages: list[tuple[str, str]], options: dict[str, tuple[str, Any]]
    ) -> tuple[str, int]:
        """Ask a model; its answer comes through the pipe as it is made."""
        sender = bus.caller()
        uid = await self._uid(sender)
        wish = parse_wish(messages, options, uid)
        if self._jobs.is_full:
            raise ModelBusyError("too many answers are being streamed", retry_after_s=5)
        answer = await self._while_there(sender, self._service.answer(model, wish))
        readable, writable = os.pipe2(os.O_CLOEXEC)
        job = Job(uid, self._uid)
        job.watch(asyncio.create_task(_stream(answer, PipeWriter(writable))))
        # The reply gets a duplicate; ours must go, or nobody notices that the reader has closed its own.
        asyncio.get_running_loop().call_soon(os.close, readable)
        return self._jobs.add(job), readable

    @dbus_method_async("", "a{sv}", DbusUnprivilegedFlag, ("status",), (), method_name="GetStatus")
    async def get_status(self) -> Variants:
        """How the service is doing."""
        return status_variants(self._service.status())

    @dbus_method_async("", "aa{sv}", DbusUnprivilegedFlag, ("models",), (), method_name="ListModels")
    async def list_models(self) -> list[Variants]:
        """How each model is doing that can be asked."""
        return [model_variants(each) for each in self._service.status().models]

    @dbus_method_async("s", "", DbusUnprivilegedFlag, (), ("model",), method_name="LoadModel")
    async def load_model(self, model: str) -> None:
        """Make sure that a model is loaded; returns when it can answer."""
        sender = bus.caller()
        await polkit.require(self._connection, sender, Action.MANAGE_MODELS, interactive=True)
        await self._service.load(model)

    @dbus_method_async("s", "", DbusUnprivilegedFlag, (), ("model",), method_name="UnloadModel")
    async def unload_model(self, model: str) -> None:
        """Give the memory of a model back; returns when its process has ended."""
        sender = bus.caller()
        await polkit.require(self._connection, sender, Action.MANAGE_MODELS, interactive=True)
        await self._service.unload(model)

    @dbus_method_async("", "t", DbusUnprivilegedFlag, ("cleared",), (), method_name="ClearAnswers")
    async def clear_answers(self) -> int:
        """Erase the kept answers of everybody; how many there were."""
        sender = bus.caller()
        await polkit.require(self._connection, sender, Action.CLEAR_ANSWERS, interactive=True)
        return await self._service.clear_answers()

    async def _uid(self, name: str) -> int:
        return await bus.uid_of(self._connection, name)

    async def _while_there[T](self, sender: str, work: Awaitable[T]) -> T:
        """Do the work unless the caller leaves the bus before it is done."""
        task = asyncio.ensure_future(work)
        remove = self._departures.add(sender, task.cancel)
        try:
            return await task
        except asyncio.CancelledError as error:
            raise WorkerLostError("the caller has left the bus") from error
        finally:
            remove()

    async def _whole(self, name: str, wish: Wish) -> str:
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


async def _stream(answer: Answer, pipe: PipeWriter) -> Any:
    try:
        return await pump(answer, pipe)
    finally:
        answer.cancel()
        pipe.close()


async def serve(service: Service, connection: SdBus) -> RyzanObject:
    """Put the service on the system bus; keep what is returned.

    Raises:
        SdBusRequestNameError: the name is taken, or the policy forbids it.
    """
    departures = bus.Departures(connection)
    await departures.watch()
    served = RyzanObject(service, connection, departures)
    bus.put(served, OBJECT_PATH, connection)
    await connection.request_name_async(BUS_NAME, 0)
    return served
