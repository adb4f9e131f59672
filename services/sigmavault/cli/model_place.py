"""`sigmavault model place`: where models go. The host daemon makes a dataset for them, after its plan."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from sigmavault.cli.downloads.client import connect, hinted
from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.plain_text import plain_line
from sigmavault.contract.models1 import PlaceKey
from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.storage.presets import Preset
from sigmavault.system.polkit_agent import password_prompt

HELP = "where models go: make a dataset for them, or agree to the boot disk"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.add_argument(
        "pool", metavar="POOL", nargs="?", help="make POOL/models for them; POOL may be a dataset"
    )
    command.add_argument(
        "--boot-disk", action=argparse.BooleanOptionalAction,
        help="agree, or no more, to models on the boot disk while no dataset is for them",
    )  # fmt: skip
    command.add_argument("--yes", action="store_true", help="agree to the plan of the dataset beforehand")


def run(arguments: argparse.Namespace) -> int:
    """Change the place, and show it.

    Raises:
        SigmaVaultError: it cannot be done, or the caller may not.
    """
    if arguments.pool is not None:
        _create(f"{arguments.pool}/models", yes=arguments.yes)
    try:
        place = asyncio.run(_told(arguments.boot_disk))
    except SigmaVaultError as error:
        raise hinted(error) from error
    if not place[PlaceKey.PATH]:
        sys.stdout.write(plain_line(place[PlaceKey.WHY_NOT]) + "\n")
        return ExitCode.ATTENTION
    sys.stdout.write(plain_line(f"models go to {place[PlaceKey.NAME]} ({place[PlaceKey.PATH]})") + "\n")
    return ExitCode.OK


def _create(dataset: str, *, yes: bool) -> None:
    from sigmavault.cli.host import noun  # reads every operation

    command = argparse.ArgumentParser(prog="sigmavault dataset")
    noun.add_arguments(command, "dataset")
    words = ["create", "--preset", Preset.MODELS.value, *(["--yes"] if yes else []), "--", dataset]
    noun.run("dataset", command.parse_args(words))


async def _told(boot_disk: bool | None) -> dict[PlaceKey, Any]:  # noqa: FBT001  # None: as it is
    with connect() as models:
        if boot_disk is not None:
            async with password_prompt():
                await models.allow_boot_disk(allowed=boot_disk)
        return await models.place()
