"""`sigmavault version`."""

from __future__ import annotations

import argparse
import json
import sys

from sigmavault import __version__
from sigmavault.cli.exit_code import ExitCode

HELP = "the version"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.add_argument("--json", action="store_true", help="one JSON document, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print the version."""
    sys.stdout.write(f"{json.dumps({'version': __version__}) if arguments.json else __version__}\n")
    return ExitCode.OK
