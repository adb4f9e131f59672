"""The `sigmavault` command: a table of its commands, and how each of them may fail.

A command is a module with `HELP`, `add_arguments(parser)` and `run(arguments)`, which returns the exit code.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from sigmavault.cli.exit_code import MEANINGS, ExitCode
from sigmavault.cli.plain_text import plain
from sigmavault.core.errors import SigmaVaultError

COMMANDS: Mapping[str, str] = {
    "chat": "sigmavault.cli.chat",
    "model": "sigmavault.cli.model",
    "status": "sigmavault.cli.show_status",
    "governor": "sigmavault.cli.governor",
    "hardware": "sigmavault.cli.hardware",
    "setup": "sigmavault.cli.setup",
    "secure-boot": "sigmavault.cli.secure_boot",
    "version": "sigmavault.cli.version",
}
"""Commands, and the modules that have them, in the order of the help."""

_EXIT_CODES = "exit codes:\n" + "".join(f"  {code:<4} {text}\n" for code, text in MEANINGS.items())


def parser(asked: str | None = None) -> argparse.ArgumentParser:
    """The command line.

    Args:
        asked: the command that was given; None for all of them. Of the others nothing is loaded: what one
            command needs is no wait for another.
    """
    root = argparse.ArgumentParser(
        prog="sigmavault", description="This SigmaVault, and its model.", epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        if asked in COMMANDS and name != asked:
            continue
        module = _module(name)
        command = commands.add_parser(name, help=module.HELP, description=f"Show {module.HELP}.")
        module.add_arguments(command)
    if asked not in COMMANDS:
        _add_nouns(commands, asked)
    return root


def _add_nouns(commands: Any, asked: str | None) -> None:
    """The commands of the host daemon, out of the registry of operations."""
    from sigmavault.cli.host import noun  # chat and status need none of it

    for name in (asked,) if asked in noun.nouns() else noun.nouns():
        command = commands.add_parser(name, help=noun.help_text(name))
        if asked in (None, name):
            noun.add_arguments(command, name)


def _names(noun: str) -> int:
    """What the completion of the shell asks; no command of anybody's."""
    from sigmavault.cli.host import names

    return names.run(noun)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command in COMMANDS:
        return int(_module(arguments.command).run(arguments))
    from sigmavault.cli.host import noun

    return noun.run(arguments.command, arguments)


def _module(name: str) -> ModuleType:
    return import_module(COMMANDS[name])


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["_names"] and len(given) == 2:
        return _names(given[1])
    arguments = parser(given[0] if given else "").parse_args(given)
    try:
        return _run(arguments)
    except SigmaVaultError as error:
        hint = f"\n  {error.hint}" if error.hint else ""
        sys.stderr.write(plain(f"sigmavault: {error.message}{hint}\n"))
        return error.exit_code
    except BrokenPipeError:
        # Python flushes once more when it ends, and would complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.READER_GONE
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            sys.stderr.write("\n")  # what comes next begins its own line
        return ExitCode.INTERRUPTED
