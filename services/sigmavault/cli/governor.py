"""`sigmavault governor`: how the model is held back while files are served."""

from __future__ import annotations

import argparse

from sigmavault.cli import governor_status
from sigmavault.core.values import sentence

HELP = "how the model is held back while files are served"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.description = "How the model is held back while files are served."
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = sentence(governor_status.HELP)
    governor_status.add_arguments(actions.add_parser("status", help=governor_status.HELP, description=text))


def run(arguments: argparse.Namespace) -> int:
    """Run the one action there is."""
    return int(governor_status.run(arguments))
