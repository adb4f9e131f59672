"""`sigmavault model unload`: give the memory of a model back."""

from __future__ import annotations

import argparse
import asyncio

from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.model_load import change

HELP = "give the memory of a model back; it is loaded again when somebody asks it"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.add_argument("id", metavar="ID", help="as `sigmavault model list` names it")


def run(arguments: argparse.Namespace) -> int:
    """Unload one model.

    Raises:
        SigmaVaultError: it is answering, or the caller may not.
    """
    asyncio.run(change(arguments.id, is_load=False))
    return ExitCode.OK
