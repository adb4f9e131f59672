"""`sigmavault model download`: fetch models, and wait until they are here."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys

from sigmavault.cli.downloads.client import Models, Row, connect, hinted
from sigmavault.cli.downloads.following import follow, sentence
from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.plain_text import plain
from sigmavault.core.errors import NoPlaceError, SigmaVaultError
from sigmavault.system.polkit_agent import password_prompt

HELP = "fetch models, and wait until they are here; goes on where it was"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.add_argument("ids", metavar="ID", nargs="+", help="as `sigmavault model list` names it")
    command.add_argument(
        "--boot-disk", action="store_true",
        help="agree to models on the boot disk while no dataset is for them",
    )  # fmt: skip
    command.add_argument("--no-wait", action="store_true", help="put them into the queue, and that is all")


def run(arguments: argparse.Namespace) -> int:
    """Fetch models.

    Raises:
        SigmaVaultError: one is not fetched, or the caller may not.
    """
    try:
        # a Runner, not asyncio.run: while a person is asked, Ctrl-C ends the program, as everywhere
        with asyncio.Runner() as runner, connect() as models:
            try:
                runner.run(_begin(models, arguments.ids, boot_disk=arguments.boot_disk))
            except NoPlaceError as error:
                _ask_for_the_boot_disk(error)
                runner.run(_begin(models, arguments.ids, boot_disk=True))
            if arguments.no_wait:
                return ExitCode.OK
            ended = runner.run(_follow(models, arguments.ids))
    except SigmaVaultError as error:
        raise hinted(error) from error
    except KeyboardInterrupt:
        sys.stderr.write("\nthe download goes on; `sigmavault model pause ID` makes it wait\n")
        return ExitCode.INTERRUPTED
    sys.stdout.write("".join(f"{sentence(row)}\n" for row in ended))
    return ExitCode.OK


async def _begin(models: Models, ids: list[str], *, boot_disk: bool) -> None:
    async with password_prompt():
        if boot_disk:
            await models.allow_boot_disk(allowed=True)
        for model in ids:
            await models.download(model)


async def _follow(models: Models, ids: list[str]) -> list[Row]:
    return await follow(models, list(dict.fromkeys(ids)), sys.stderr, shutil.get_terminal_size().columns)


def _ask_for_the_boot_disk(error: NoPlaceError) -> None:
    """A person may agree; else it is as the daemon says.

    Raises:
        NoPlaceError: nobody does.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise error
    hint = f"  {error.hint}\n" if error.hint else ""
    sys.stderr.write(plain(f"{error.message}\n{hint}Put models on the boot disk until there is one? [y/N] "))
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise error
