"""The model daemon, as its clients on the system bus have it: what is here, what is on its way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from sdbus import SdBus, SdBusBaseError

from sigmavault.contract.host1 import unspell
from sigmavault.contract.models1 import (
    BUS_NAME,
    INTERFACE,
    OBJECT_PATH,
    DownloadKey,
    DownloadState,
    ModelKey,
)
from sigmavault.core.errors import ServiceUnavailableError, SigmaVaultError
from sigmavault.system import bus

_PATIENCE_S: Final = 600
"""A person may look for a password."""
_HINT: Final = "`systemctl status sigmavault-models` tells how it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A row of the queue.

    Attributes:
        state: how far it is.
        got: bytes that are here.
        size: bytes in all; 0 where that is not known.
        speed: bytes per second; 0 where nobody can say.
        seconds_left: None where nobody can say.
        reason: why it failed or waits; empty otherwise.
    """

    id: str
    state: DownloadState
    got: int
    size: int
    speed: float
    seconds_left: float | None
    reason: str


class Models:
    """The daemon on a connection of its own."""

    def __init__(self) -> None:
        self._connection: SdBus | None = None

    async def here(self) -> frozenset[str]:
        """Ids of the models whose files are on this machine, whole and checked.

        Raises:
            ServiceUnavailableError: the daemon does not answer.
        """
        return frozenset(str(row[ModelKey.ID]) for row in await self._rows("Available") if row[ModelKey.HERE])

    async def queue(self) -> tuple[Download, ...]:
        """What is on its way, waits or has failed.

        Raises:
            ServiceUnavailableError: the daemon does not answer.
        """
        return tuple(_download(row) for row in await self._rows("List"))

    async def download(self, model: str) -> None:
        """Put a model into the queue; one that is in it already stays where it is.

        Raises:
            ServiceUnavailableError: the daemon does not answer, or refuses; the message says why.
        """
        await self._call("Download", "s", model)

    async def allow_system_disk(self) -> None:
        """Agree to models on the disk that the system runs from, while there is no dataset for them.

        Raises:
            ServiceUnavailableError: the daemon does not answer, or refuses; the message says why.
        """
        is_allowed = True
        await self._call("AllowBootDisk", "b", is_allowed)

    async def _rows(self, member: str) -> list[dict[str, Any]]:
        told = json.loads(str((await self._call(member))[0]))
        return [dict(row) for row in told]

    async def _call(self, member: str, signature: str = "", *arguments: object) -> tuple[Any, ...]:
        try:
            if self._connection is None:
                self._connection = bus.open_system()
                self._connection.method_call_timeout_usec = _PATIENCE_S * 1_000_000
            message = self._connection.new_method_call_message(BUS_NAME, OBJECT_PATH, INTERFACE, member)
            if signature:
                message.append_data(signature, *arguments)
            reply = await self._connection.call_async(message)
        except SigmaVaultError as error:
            error.message, error.hint = unspell(error.message)
            raise
        except SdBusBaseError as error:
            raise ServiceUnavailableError(f"the model daemon: {error.args[-1]}", _HINT) from error
        return tuple(reply.parse_to_tuple())


def _download(row: dict[str, Any]) -> Download:
    left = row[DownloadKey.SECONDS_LEFT]
    return Download(
        id=str(row[DownloadKey.ID]), state=DownloadState(row[DownloadKey.STATE]),
        got=int(row[DownloadKey.BYTES]), size=int(row[DownloadKey.SIZE] or 0),
        speed=float(row[DownloadKey.BYTES_PER_SECOND]),
        seconds_left=None if left is None else float(left), reason=str(row[DownloadKey.REASON]),
    )  # fmt: skip
