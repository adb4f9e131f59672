"""`sigmavault model load` and `unload`: which models are in memory."""

from __future__ import annotations

import argparse
import asyncio
import sys

from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.plain_text import plain_line
from sigmavault.cli.ryzan import Ryzan, Values, connect, hinted
from sigmavault.cli.waiting import waiting
from sigmavault.contract.ryzan1 import ModelKey, State
from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.values import format_bytes
from sigmavault.system.polkit_agent import password_prompt

HELP = "load a model into memory, and wait until it can answer"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.add_argument("id", metavar="ID", help="as `sigmavault model list` names it")


def run(arguments: argparse.Namespace) -> int:
    """Load one model.

    Raises:
        SigmaVaultError: it is not loaded, or the caller may not.
    """
    asyncio.run(change(arguments.id, is_load=True))
    return ExitCode.OK


async def change(model: str, *, is_load: bool) -> None:
    """Load or unload a model, and say how it is then.

    Raises:
        SigmaVaultError: it did not work, or the caller may not.
    """
    with connect() as ryzan:

        async def is_loading() -> bool:
            # before that, the terminal belongs to whoever asks for a password
            return (await _told(ryzan, model)).get(ModelKey.STATE) == State.LOADING

        try:
            async with password_prompt(), waiting(f"loading {plain_line(model)}", sys.stderr, is_loading):
                await (ryzan.load(model) if is_load else ryzan.unload(model))
            told = await _told(ryzan, model)
        except SigmaVaultError as error:
            raise hinted(error) from error
    sys.stdout.write(plain_line(_sentence(model, told)) + "\n")


async def _told(ryzan: Ryzan, model: str) -> Values:
    return next((each for each in await ryzan.models() if each[ModelKey.ID] == model), {})


def _sentence(model: str, told: Values) -> str:
    if told.get(ModelKey.STATE) != State.READY:
        return f"{model} is {told.get(ModelKey.STATE, 'not loaded')}"
    if not told[ModelKey.THREADS]:
        return f"{model} is answered for by {told[ModelKey.BACKEND]}"
    memory = format_bytes(told[ModelKey.MEMORY_BYTES])
    return f"{model} is loaded: {memory} of memory, {told[ModelKey.THREADS]} threads"
