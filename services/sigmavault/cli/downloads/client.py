"""The model downloads, as their callers on the system bus have them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from sdbus import SdBus, SdBusBaseError
from sdbus.dbus_exceptions import DbusAccessDeniedError

from sigmavault.contract.host1 import unspell
from sigmavault.contract.models1 import (
    BUS_NAME,
    INTERFACE,
    OBJECT_PATH,
    DownloadKey,
    DownloadState,
    PlaceKey,
)
from sigmavault.core.errors import NotAuthorizedError, ServiceUnavailableError, SigmaVaultError
from sigmavault.system import bus

_PATIENCE_S: Final = 600
"""A person looks for a password."""
_HINT: Final = "`systemctl status sigmavault-models` tells how they are"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A download, as `DownloadKey` explains it."""

    id: str
    state: DownloadState
    bytes: int
    size: int
    bytes_s: float
    seconds_left: float | None
    reason: str
    source: str


class Models:
    """The daemon on one connection; made by `connect`."""

    def __init__(self, connection: SdBus) -> None:
        self._connection = connection

    async def download(self, model: str) -> None:
        """Fetch a model, or go on with it."""
        await self._call("Download", "s", model)

    async def change(self, member: str, model: str) -> None:
        """`Pause`, `Resume`, `Cancel` or `Remove`."""
        await self._call(member, "s", model)

    async def allow_boot_disk(self, *, allowed: bool) -> None:
        """Agree to models on the boot disk, or do so no more."""
        await self._call("AllowBootDisk", "b", allowed)

    async def rows(self) -> tuple[Row, ...]:
        """The queue."""
        return read_rows((await self._call("List"))[0])

    async def place(self) -> dict[PlaceKey, Any]:
        """Where models go."""
        told = json.loads((await self._call("Place"))[0])
        return {key: told[key] for key in PlaceKey}

    async def _call(self, member: str, signature: str = "", *arguments: object) -> tuple[Any, ...]:
        try:
            return await call(self._connection, member, signature, *arguments)
        except SdBusBaseError as error:
            _explain(error)


async def call(connection: SdBus, member: str, signature: str = "", *arguments: object) -> tuple[Any, ...]:
    """Call a method of the daemon; what it answers.

    Raises:
        SigmaVaultError: the daemon's own, with its message and hint.
        SdBusBaseError: it cannot be reached, or does not answer.
    """
    message = connection.new_method_call_message(BUS_NAME, OBJECT_PATH, INTERFACE, member)
    if signature:
        message.append_data(signature, *arguments)
    try:
        return tuple((await connection.call_async(message)).parse_to_tuple())
    except SigmaVaultError as error:
        error.message, error.hint = unspell(error.message)
        raise


def read_rows(told: str) -> tuple[Row, ...]:
    """What `List` answers."""
    return tuple(map(_row, json.loads(told)))


def _row(told: dict[str, Any]) -> Row:
    return Row(
        id=told[DownloadKey.ID], state=DownloadState(told[DownloadKey.STATE]), bytes=told[DownloadKey.BYTES],
        size=told[DownloadKey.SIZE], bytes_s=told[DownloadKey.BYTES_PER_SECOND],
        seconds_left=told[DownloadKey.SECONDS_LEFT], reason=told[DownloadKey.REASON],
        source=told[DownloadKey.SOURCE],
    )  # fmt: skip


def _explain(error: SdBusBaseError) -> NoReturn:
    if isinstance(error, DbusAccessDeniedError):
        raise NotAuthorizedError(f"the system bus refuses: {error}") from error
    raise ServiceUnavailableError(f"the model downloads cannot be asked: {error}", _HINT) from error


@contextlib.contextmanager
def connect() -> Iterator[Models]:
    """A connection of its own.

    Raises:
        ServiceUnavailableError: there is no system bus.
    """
    with bus.connected(_PATIENCE_S) as connection:
        yield Models(connection)


def hinted(error: SigmaVaultError) -> SigmaVaultError:
    """The same error, with what a person at a terminal can do about it."""
    hints = {
        "auth.denied": "run it with sudo",
        "auth.needed": "run it with sudo",
        "model.unknown": "`sigmavault model list` shows the models there are",
        "object.unknown": "`sigmavault model downloads` shows what there is",
    }
    error.hint = error.hint or hints.get(error.code, "")
    return error
