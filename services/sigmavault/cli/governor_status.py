"""`sigmavault governor status`: what the model gets, why, and the last minutes as a small plot."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import time
from typing import Any

from sdbus import SdBusBaseError

from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.governor_report import render
from sigmavault.cli.paint import Paint
from sigmavault.contract.governor1 import BUS_NAME, INTERFACE, OBJECT_PATH, StatusKey
from sigmavault.core.errors import ServiceUnavailableError
from sigmavault.system import bus

HELP = "what the model gets, why, and the last twenty minutes"

_PATIENCE_S = 20
_NO_TERMINAL = (100, 24)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.add_argument("--json", action="store_true", help="one JSON document, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Show how the governor is doing."""
    told = asyncio.run(ask())
    if arguments.json:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        width = shutil.get_terminal_size(_NO_TERMINAL).columns
        lines = render(told, now=time.time(), width=width, paint=Paint(is_on=sys.stdout.isatty()))
        sys.stdout.write("\n".join(lines) + "\n")
    return ExitCode.OK if told[StatusKey.IS_APPLIED] else ExitCode.ATTENTION


async def ask() -> dict[str, Any]:
    """What the governor tells.

    Raises:
        ServiceUnavailableError: it does not run, or does not answer.
    """
    try:
        with bus.connected(_PATIENCE_S) as connection:
            message = connection.new_method_call_message(BUS_NAME, OBJECT_PATH, INTERFACE, "Status")
            answer = await connection.call_async(message)
        told: dict[str, Any] = json.loads(str(answer.parse_to_tuple()[0]))
    except SdBusBaseError as error:
        raise ServiceUnavailableError(
            f"the governor does not answer: {error}",
            "`systemctl status sigmavault-governor` tells how it is; without it the model gets no more than"
            " while files are served",
        ) from error
    if lacking := {key.value for key in StatusKey} - set(told):
        raise ServiceUnavailableError(f"the governor does not tell {', '.join(sorted(lacking))}")
    return told
