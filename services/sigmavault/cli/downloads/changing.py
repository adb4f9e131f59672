"""What `model pause`, `resume`, `cancel` and `remove` have in common."""

from __future__ import annotations

import argparse
import asyncio
import sys

from sigmavault.cli.downloads.client import connect, hinted
from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.plain_text import plain_line
from sigmavault.core.errors import SigmaVaultError
from sigmavault.system.polkit_agent import password_prompt


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Their command line."""
    command.add_argument("id", metavar="ID", help="as `sigmavault model downloads` or `list` names it")


def run(member: str, model: str, done: str) -> int:
    """Call a method about one model, and say that it is done.

    Raises:
        SigmaVaultError: it cannot be done, or the caller may not.
    """
    try:
        asyncio.run(_change(member, model))
    except SigmaVaultError as error:
        raise hinted(error) from error
    sys.stdout.write(f"{plain_line(model)} {done}\n")
    return ExitCode.OK


async def _change(member: str, model: str) -> None:
    with connect() as models:
        async with password_prompt():
            await models.change(member, model)
