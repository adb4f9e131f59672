"""The first console of a headless machine: an invitation until the machine is set up, then the login.

It takes the place of agetty(8) in getty@tty1.service and becomes it. So the login comes whatever happens
here, and the assistant is offered again after a logout, for as long as it is asked for.

Nobody may come for months, and the assistant is a tenth of what the machine uses. So this is a chain of
programs that become each other: one looks whether anybody has to be asked, the next waits and has loaded
nothing else, the third is the assistant.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Final, NoReturn

AGETTY: Final = "/sbin/agetty"
WAIT, BEGIN = "wait", "begin"
_TO_READ_S: Final = 5.0
_INVITATION: Final = """
This SigmaVault has not been set up yet.

Press Enter to set it up here, or Ctrl-D for the login.
"""


def main(argv: Sequence[str]) -> NoReturn:
    """Offer the assistant, then become agetty with these arguments.

    Args:
        argv: agetty's arguments; before them the part of this program that is next, if it is not the first.
    """
    part, arguments = (argv[0], argv[1:]) if argv and argv[0] in {WAIT, BEGIN} else ("", argv)
    if part == WAIT:
        sys.stdout.write(_INVITATION)
        sys.stdout.flush()
        if sys.stdin.readline():
            _become(BEGIN, arguments)
    elif part == BEGIN:
        if _sigmavault("setup", "--if-asked-for"):
            time.sleep(_TO_READ_S)  # what was told is not hidden by the login at once
    elif _sigmavault("setup", "--is-asked-for") == 0:
        _become(WAIT, arguments)
    os.execv(AGETTY, [AGETTY, *arguments])  # noqa: S606 - no shell, and no child that is left


def _become(part: str, arguments: Sequence[str]) -> NoReturn:
    """The same program, started in the same way, with another part first."""
    started = sys.orig_argv[: sys.orig_argv.index(sys.argv[0]) + 1]
    os.execv(sys.executable, [*started, part, *arguments])  # noqa: S606 - as above


def _sigmavault(*words: str) -> int:
    """What the command ends with; 1 for whatever goes wrong."""
    try:
        from sigmavault.cli.main import main as sigmavault  # not while somebody is waited for

        return sigmavault(list(words))
    except Exception as error:
        sys.stderr.write(f"sigmavault: {error}\n")
        return 1
