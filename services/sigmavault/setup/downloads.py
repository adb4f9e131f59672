"""The model daemon, as its clients on the system bus have it: what is here, what is on its way."""

from __future__ import annotations

import json
from typing import Any, Final

from sdbus import SdBus, SdBusBaseError

from sigmavault.cli.downloads.client import Row, call, read_rows
from sigmavault.contract.models1 import DownloadState, ModelKey
from sigmavault.core.errors import ServiceUnavailableError
from sigmavault.core.values import format_bytes, format_duration
from sigmavault.system import bus

_PATIENCE_S: Final = 600
"""A person may look for a password."""
_HINT: Final = "`systemctl status sigmavault-models` tells how it is"


class Models:
    """The daemon on a connection of its own."""

    def __init__(self) -> None:
        self._connection: SdBus | None = None

    async def here(self) -> frozenset[str]:
        """Ids of the models whose files are on this machine, whole and checked.

        Raises:
            ServiceUnavailableError: the daemon does not answer.
        """
        known = json.loads((await self._call("Available"))[0])
        return frozenset(str(row[ModelKey.ID]) for row in known if row[ModelKey.HERE])

    async def queue(self) -> tuple[Row, ...]:
        """What is on its way, waits or has failed.

        Raises:
            ServiceUnavailableError: the daemon does not answer.
        """
        return read_rows((await self._call("List"))[0])

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

    async def _call(self, member: str, signature: str = "", *arguments: object) -> tuple[Any, ...]:
        try:
            if self._connection is None:
                self._connection = bus.open_system()
                self._connection.method_call_timeout_usec = _PATIENCE_S * 1_000_000
            return await call(self._connection, member, signature, *arguments)
        except SdBusBaseError as error:
            raise ServiceUnavailableError(f"the model daemon: {error.args[-1]}", _HINT) from error


def how_far(row: Row) -> str:
    """How a download is doing, such as `1.52 GiB of 2.50 GiB, 11.2 MiB/s, 1 min 28 s left`."""
    if row.state is DownloadState.VERIFYING:
        return "all of it is here and is being verified"
    if row.state is not DownloadState.RUNNING or row.reason:
        return row.reason or {DownloadState.QUEUED: "waits for its turn"}.get(row.state, row.state.value)
    left = [] if row.seconds_left is None else [f"{format_duration(round(row.seconds_left))} left"]
    speed = [f"{format_bytes(round(row.bytes_s))}/s"] if row.bytes_s else []
    return ", ".join([f"{format_bytes(row.bytes)} of {format_bytes(row.size)}", *speed, *left])
