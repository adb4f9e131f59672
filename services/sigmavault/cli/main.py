"""Arguments, output and exit codes of the `sigmavault` command."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from sigmavault import __version__
from sigmavault.cli.collect import collect
from sigmavault.cli.render import Paint, render_status
from sigmavault.cli.status import ExitCode

_CLEAR = "\x1b[H\x1b[2J\x1b[3J"
_WATCH_PAUSE_S = 5.0
_EXIT_CODES = """exit codes:
  0  all is well
  1  something needs attention; the output says what
  2  wrong arguments
  3  a part of the state could not be read
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(
        prog="sigmavault", description="Look at this SigmaVault.", epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (("status", "pools, services, model, budgets"), ("version", "the version")):
        command = commands.add_parser(name, help=text, description=f"Show {text}.")
        form = command.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="one JSON document, for programs")
        if name == "status":
            form.add_argument("--watch", action="store_true", help="show it again until interrupted")
    return root


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


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    arguments = parser().parse_args(argv)
    if arguments.command == "version":
        sys.stdout.write(f"{json.dumps({'version': __version__}) if arguments.json else __version__}\n")
        return ExitCode.OK
    if arguments.watch:
        return watch()
    status = collect()
    if arguments.json:
        sys.stdout.write(json.dumps(status.to_json(), indent=2) + "\n")
    else:
        sys.stdout.write(render_status(status, Paint(is_on=sys.stdout.isatty())))
    return status.exit_code()
