"""`sigmavault model clear-answers`: erase what the service keeps to give it again."""

from __future__ import annotations

import argparse
import asyncio
import sys

from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.ryzan import connect, hinted
from sigmavault.core.errors import SigmaVaultError
from sigmavault.system.polkit_agent import password_prompt

HELP = "erase the answers that are kept to be given again, of everybody"


def add_arguments(_command: argparse.ArgumentParser) -> None:
    """The command takes nothing."""


def run(_arguments: argparse.Namespace) -> int:
    """Erase the kept answers.

    Raises:
        SigmaVaultError: nobody knows whether they are gone, or the caller may not.
    """
    cleared = asyncio.run(_clear())
    sys.stdout.write(f"{cleared} kept answer{'' if cleared == 1 else 's'} erased\n")
    return ExitCode.OK


async def _clear() -> int:
    with connect() as ryzan:
        try:
            async with password_prompt():
                return await ryzan.clear_answers()
        except SigmaVaultError as error:
            raise hinted(error) from error
