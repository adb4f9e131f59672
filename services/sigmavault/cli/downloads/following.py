"""Downloads until their end, with a bar at the terminal; Ctrl-C leaves them alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final, TextIO

from sigmavault.cli.downloads.bar import line
from sigmavault.cli.downloads.client import Models, Row
from sigmavault.cli.paint import Paint
from sigmavault.cli.plain_text import plain_line
from sigmavault.contract.models1 import DownloadState
from sigmavault.core.errors import OperationError, ServiceUnavailableError
from sigmavault.core.values import format_bytes

_CLEAR: Final = "\r\x1b[K"
_PAUSE_S: Final = 0.5
_RESTART_S: Final = 60.0


async def follow(models: Models, ids: Sequence[str], stream: TextIO, width: int) -> list[Row]:
    """Wait for downloads; how they ended.

    Raises:
        ServiceUnavailableError: the daemon went away, and does not come back.
        OperationError: one failed, or somebody else has ended it.
    """
    ended: dict[str, Row] = {}
    is_terminal = stream.isatty()
    try:
        while True:
            rows = {each.id: each for each in await _rows(models)}
            for model in ids:
                if model not in ended and (row := _over(model, rows)) is not None:
                    ended[model] = row
            left = [rows[each] for each in ids if each not in ended]
            if not left:
                return [ended[each] for each in ids]
            if is_terminal:
                now = next((each for each in left if each.state is DownloadState.RUNNING), left[0])
                stream.write(_CLEAR + line(now, width - 1, Paint(is_on=True)))
                stream.flush()
            await asyncio.sleep(_PAUSE_S)
    finally:
        if is_terminal:
            stream.write(_CLEAR)
            stream.flush()


def _over(model: str, rows: dict[str, Row]) -> Row | None:
    row = rows.get(model)
    if row is None:
        raise OperationError(f"the download of {model} was cancelled")
    if row.state is DownloadState.FAILED:
        raise OperationError(f"{model}: {row.reason}", f"`sigmavault model download {model}` goes on with it")
    if row.state is DownloadState.PAUSED:
        raise OperationError(
            f"the download of {model} is paused", f"`sigmavault model resume {model}` goes on with it"
        )
    return row if row.state is DownloadState.DONE else None


async def _rows(models: Models) -> tuple[Row, ...]:
    """The queue. A daemon that died is started anew by being asked."""
    until = time.monotonic() + _RESTART_S
    while True:
        try:
            return await models.rows()
        except ServiceUnavailableError:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(_PAUSE_S)


def sentence(row: Row) -> str:
    """How a download has ended well."""
    return f"{plain_line(row.id)} is here: {format_bytes(row.size)}"
