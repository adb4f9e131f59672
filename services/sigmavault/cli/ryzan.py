"""The model service, as its callers on the system bus have it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from sdbus import SdBus, SdBusBaseError
from sdbus.dbus_exceptions import (
    DbusAccessDeniedError,
    DbusFileNotFoundError,
    DbusNoReplyError,
    DbusServiceUnknownError,
    DbusTimeoutError,
)

from sigmavault.contract.ryzan1 import (
    BUS_NAME,
    INTERFACE,
    JOB_INTERFACE,
    OBJECT_PATH,
    ChatOption,
    JobState,
    ModelKey,
    StatusKey,
)
from sigmavault.core.errors import (
    InvalidRequestError,
    ModelError,
    NotAuthorizedError,
    ServiceUnavailableError,
    SigmaVaultError,
    tree,
)
from sigmavault.system import bus

_DBUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
_PROPERTIES = "org.freedesktop.DBus.Properties"
_PATIENCE_S = 3600
"""A large model loads for minutes, and the person at the terminal can always stop waiting."""
_QUICK_S = 20
_POLL_S = 0.01
_PIECE = 64 * 1024

_BROKEN_OFF = {
    "model.worker-lost": "the model's process died while it was answering",
    "model.busy": "too many requests wait for the model already",
    "request.context-too-long": "question and conversation do not fit into the model's context",
}
"""What a job's error means, by its code: a job tells no message."""

_HINT = "`systemctl status sigmavault-ryzan` tells how it is"

type Messages = Sequence[tuple[str, str]]
type Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a streamed answer ended.

    Attributes:
        state: one of `JobState`, never `running`.
        error: D-Bus name of the failure; empty without one.
        finish: `stop` or `length`; empty where the answer is not complete.
        tokens: of the complete answer.
    """

    state: JobState
    error: str
    finish: str
    tokens: int

    def raise_failure(self) -> None:
        """Fail as the answer did.

        Raises:
            SigmaVaultError: of the kind that the service named.
        """
        if self.state is JobState.FAILED:
            kinds = {kind.dbus_name(): kind for kind in (*tree(ModelError), *tree(InvalidRequestError))}
            kind = kinds.get(self.error, ModelError)
            raise kind(_BROKEN_OFF.get(kind.code, f"the answer broke off: {kind.code}"))


class Answer:
    """A streamed answer. Closing it before its end cancels it."""

    def __init__(self, ryzan: Ryzan, job: str, pipe: int) -> None:
        self._ryzan = ryzan
        self._job = job
        self._pipe = pipe

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The text as it comes, UTF-8 cut at any byte."""
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self._pipe, "rb", buffering=0)
        )
        try:
            while piece := await reader.read(_PIECE):
                yield piece
        finally:
            transport.close()

    async def ended(self) -> Ended:
        """How it ended; ask after the last piece."""
        while (values := await self._ryzan.job(self._job))["State"] == JobState.RUNNING:
            await asyncio.sleep(_POLL_S)  # the pipe is closed a moment before the job knows
        return Ended(
            state=JobState(values["State"]), error=values["Error"],
            finish=values["FinishReason"], tokens=values["CompletionTokens"],
        )  # fmt: skip


class Ryzan:
    """The service on one connection to the bus; made by `connect`."""

    def __init__(self, connection: SdBus) -> None:
        self._connection = connection

    async def is_running(self) -> bool:
        """Whether the service is on the bus now; asking does not start it."""
        return bool((await self._call(*_DBUS, "NameHasOwner", "s", BUS_NAME))[0])

    async def status(self) -> Values:
        """What `StatusKey` explains; starts the service when it does not run."""
        return _plain((await self._ask("GetStatus"))[0], StatusKey)

    async def models(self) -> list[Values]:
        """What `ModelKey` explains, of each model that can be asked."""
        return [_plain(each, ModelKey) for each in (await self._ask("ListModels"))[0]]

    async def load(self, model: str) -> None:
        """Load a model; returns when it can answer. Polkit may ask a person meanwhile."""
        await self._ask("LoadModel", "s", model)

    async def unload(self, model: str) -> None:
        """Give a model's memory back. Polkit may ask a person meanwhile."""
        await self._ask("UnloadModel", "s", model)

    async def clear_answers(self) -> int:
        """Erase the kept answers of everybody; how many. Polkit may ask a person meanwhile."""
        return int((await self._ask("ClearAnswers"))[0])

    async def stream(
        self, model: str, messages: Messages, options: Mapping[ChatOption, tuple[str, Any]]
    ) -> Answer:
        """Ask a model; returns when its answer begins, or when what stands before it is known.

        Args:
            model: id; empty: the default one; `auto`: the service chooses.
            messages: the conversation, role and content each.
            options: D-Bus type and value of each.
        """
        told = {key.value: value for key, value in options.items()}
        reply = await self._send(
            BUS_NAME, OBJECT_PATH, INTERFACE, "ChatStream", "sa(ss)a{sv}", model, list(messages), told
        )
        job, pipe = reply.parse_to_tuple()
        return Answer(self, job, os.dup(pipe))  # the message closes its own when it goes

    async def job(self, path: str) -> Values:
        """The properties of a streamed answer."""
        answer = await self._call(BUS_NAME, path, _PROPERTIES, "GetAll", "s", JOB_INTERFACE)
        return {key: value for key, (_, value) in answer[0].items()}

    async def _ask(self, member: str, signature: str = "", *arguments: object) -> tuple[Any, ...]:
        return await self._call(BUS_NAME, OBJECT_PATH, INTERFACE, member, signature, *arguments)

    async def _call(
        self, name: str, path: str, interface: str, member: str, signature: str = "", *arguments: object
    ) -> tuple[Any, ...]:
        reply = await self._send(name, path, interface, member, signature, *arguments)
        return tuple(reply.parse_to_tuple())

    async def _send(
        self, name: str, path: str, interface: str, member: str, signature: str = "", *arguments: object
    ) -> Any:
        message = self._connection.new_method_call_message(name, path, interface, member)
        if signature:
            message.append_data(signature, *arguments)
        try:
            return await self._connection.call_async(message)
        except SdBusBaseError as error:
            _explain(error)


def _plain(variants: Mapping[str, tuple[str, Any]], keys: type[StatusKey] | type[ModelKey]) -> Values:
    """The values without their D-Bus types.

    Raises:
        ServiceUnavailableError: one that the contract names is not there.
    """
    if lacking := {key.value for key in keys} - set(variants):
        raise ServiceUnavailableError(
            f"the model service does not tell {', '.join(sorted(lacking))}: it is of another version",
            hint="`sudo systemctl restart sigmavault-ryzan` starts the installed one",
        )
    return {key: value for key, (_, value) in variants.items()}


def _explain(error: SdBusBaseError) -> NoReturn:
    if isinstance(error, DbusServiceUnknownError | DbusFileNotFoundError):
        raise ServiceUnavailableError("the model service does not run", _HINT) from error
    if isinstance(error, DbusNoReplyError):
        raise ServiceUnavailableError("the model service went away", _HINT) from error
    if isinstance(error, DbusTimeoutError):
        raise ServiceUnavailableError("the model service did not answer in time", _HINT) from error
    if isinstance(error, DbusAccessDeniedError):
        raise NotAuthorizedError(f"the system bus refuses: {error}") from error
    raise ServiceUnavailableError(f"the model service cannot be asked: {error}", _HINT) from error


@contextlib.contextmanager
def connect(*, quick: bool = False) -> Iterator[Ryzan]:
    """A connection of its own. When it closes, the service drops what was asked for over it and still waits.

    Args:
        quick: whether answers have to come at once.

    Raises:
        ServiceUnavailableError: there is no system bus.
    """
    with bus.connected(_QUICK_S if quick else _PATIENCE_S) as connection:
        yield Ryzan(connection)


def hinted(error: SigmaVaultError) -> SigmaVaultError:
    """The same error, with what a person at a terminal can do about it: the bus carries no hints."""
    hints = {
        "auth.denied": "run it with sudo",
        "auth.needed": "run it with sudo",
        "model.unknown": "`sigmavault model list` shows the models there are",
        "model.missing": "`sigmavault model list` shows which models are on this machine",
        "model.busy": "try again in a moment",
        "model.no-memory": "`sigmavault model unload ID` gives the memory of another one back",
        "request.context-too-long": "ask for less at once, or begin anew",
    }
    error.hint = error.hint or hints.get(error.code, "")
    return error
