"""`sigmavault model remove`."""

from __future__ import annotations

import argparse

from sigmavault.cli.downloads import changing

HELP = "remove a model's file from this machine"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    changing.add_arguments(command)


def run(arguments: argparse.Namespace) -> int:
    """Change one download.

    Raises:
        SigmaVaultError: it cannot be done, or the caller may not.
    """
    return changing.run("Remove", arguments.id, "is removed")
