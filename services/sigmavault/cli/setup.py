"""`sigmavault setup`: set this machine up, with an assistant at the console or from a file of answers."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "the assistant that sets this machine up, or how far that is"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.description = "Set this machine up: name, administrator, network, pool, shares, models."
    command.add_argument(
        "--answers", metavar="FILE", type=Path, help="ask nothing: a YAML file has the answers"
    )
    command.add_argument("--dry-run", action="store_true", help="show the plan, and stop there")
    command.add_argument("--status", action="store_true", help="show how far it is, and stop there")
    command.add_argument("--json", action="store_true", help="with --status or --dry-run: JSON, for programs")
    command.add_argument(
        "--if-asked-for", action="store_true",
        help="end at once where this machine is set up, or somebody has said that it need not be",
    )  # fmt: skip
    command.add_argument(
        "--is-asked-for", action="store_true", help="say by the exit code whether it would begin: 0 or 1"
    )


def run(arguments: argparse.Namespace) -> int:
    """Set up, or show how far that is; the exit code."""
    from sigmavault.setup import command  # help needs no bus

    return command.run(arguments)
