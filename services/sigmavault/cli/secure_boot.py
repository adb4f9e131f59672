"""`sigmavault secure-boot`: a key of one's own for the ZFS module."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from sigmavault.cli.exit_code import ExitCode
from sigmavault.core.errors import ModuleSigningError, NotAuthorizedError
from sigmavault.core.values import sentence
from sigmavault.zfskey.enrol import enrol
from sigmavault.zfskey.keys import read_folder
from sigmavault.zfskey.load import load

HELP = "a key of your own, so that Secure Boot takes the ZFS module"

_DESCRIPTION = """Where Secure Boot keeps the ZFS module out: `enrol` makes a key in FOLDER, once, and has
the firmware ask for it at the next start; `load` signs the ZFS modules with it and loads them, after
each start of a live system, once on an installed one. Both need root."""

_FOLDER = "where the key is kept; it has to last, as a mounted USB stick does"

_ACTIONS: Mapping[str, tuple[str, Callable[[Path, Callable[[str], None]], None]]] = {
    "enrol": ("make a key in FOLDER if there is none, and request its enrolment", enrol),
    "load": ("sign the ZFS modules with the key in FOLDER, and load them", load),
}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own command line."""
    command.description = _DESCRIPTION
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (text, _) in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=sentence(text))
        action.add_argument("folder", metavar="FOLDER", help=_FOLDER)


def run(arguments: argparse.Namespace) -> int:
    """Run one action.

    Raises:
        SigmaVaultError: it failed; what was done stays done, and the same can be asked for again.
    """
    if os.geteuid() != 0:
        raise NotAuthorizedError("this needs root", hint="run it with sudo")
    _, act = _ACTIONS[arguments.action]
    try:
        act(read_folder(arguments.folder), _say)
    except OSError as error:
        raise ModuleSigningError(str(error)) from error
    return ExitCode.OK


def _say(paragraph: str) -> None:
    sys.stdout.write(f"{paragraph}\n")
    # What mokutil says comes after this, through the same terminal.
    sys.stdout.flush()
