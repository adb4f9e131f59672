"""`sigmavault model cancel`."""

from __future__ import annotations

import argparse

from sigmavault.cli.downloads import changing

HELP = "end a download, and remove what has come of it"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    changing.add_arguments(command)


def run(arguments: argparse.Namespace) -> int:
    """Change one download.

    Raises:
        SigmaVaultError: it cannot be done, or the caller may not.
    """
    return changing.run("Cancel", arguments.id, "is not fetched any more")
