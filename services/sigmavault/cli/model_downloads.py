"""`sigmavault model downloads`: the queue, and where models go."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import shutil
import sys
from typing import Any

from sigmavault.cli.downloads.bar import line
from sigmavault.cli.downloads.client import Models, Row, connect, hinted
from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.paint import Paint
from sigmavault.cli.plain_text import plain_line
from sigmavault.contract.models1 import DownloadState, PlaceKey
from sigmavault.core.errors import SigmaVaultError

HELP = "what is being fetched, how far it is, and where models go"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.add_argument("--json", action="store_true", help="one JSON document, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Show the queue.

    Raises:
        SigmaVaultError: the daemon does not answer.
    """
    try:
        with connect() as models:
            rows, place = asyncio.run(_ask(models))
    except SigmaVaultError as error:
        raise hinted(error) from error
    if arguments.json:
        told = {"downloads": [dataclasses.asdict(each) for each in rows], "place": place}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        sys.stdout.write(_text(rows, place, Paint(is_on=sys.stdout.isatty())))
    failed = any(each.state is DownloadState.FAILED for each in rows)
    return ExitCode.ATTENTION if failed else ExitCode.OK


async def _ask(models: Models) -> tuple[tuple[Row, ...], dict[PlaceKey, Any]]:
    return await models.rows(), await models.place()


def _text(rows: tuple[Row, ...], place: dict[PlaceKey, Any], paint: Paint) -> str:
    width = shutil.get_terminal_size().columns
    lines = [line(each, width, paint) for each in rows] or [paint.dim("nothing is being fetched")]
    lines += [f"  {plain_line(each.id)}: {plain_line(each.reason)}" for each in rows if each.reason]
    where = f"{place[PlaceKey.NAME]} ({place[PlaceKey.PATH]})" if place[PlaceKey.PATH] else ""
    lines.append(f"models go to {plain_line(where)}" if where else plain_line(place[PlaceKey.WHY_NOT]))
    return "\n".join(lines) + "\n"
