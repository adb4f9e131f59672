"""`sigmavault status`."""

from __future__ import annotations

import argparse
import json
import sys
import time

from sigmavault.cli.collect import collect
from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.paint import Paint
from sigmavault.cli.render import render_status

HELP = "pools, services, model, budgets"

_CLEAR = "\x1b[H\x1b[2J\x1b[3J"
_WATCH_PAUSE_S = 5.0


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document, for programs")
    form.add_argument("--watch", action="store_true", help="show it again until interrupted")


def run(arguments: argparse.Namespace) -> int:
    """Show the state of this machine."""
    if arguments.watch:
        return watch()
    status = collect()
    if arguments.json:
        sys.stdout.write(json.dumps(status.to_json(), indent=2) + "\n")
    else:
        sys.stdout.write(render_status(status, Paint(is_on=sys.stdout.isatty())))
    return status.exit_code()


def watch() -> ExitCode:
    """Show the state every few seconds until somebody interrupts."""
    paint = Paint(is_on=sys.stdout.isatty())
    try:
        while True:
            text = render_status(collect(), paint)
            sys.stdout.write((_CLEAR if paint.is_on else "") + text)
            sys.stdout.flush()
            time.sleep(_WATCH_PAUSE_S)
    except KeyboardInterrupt:
        return ExitCode.OK
