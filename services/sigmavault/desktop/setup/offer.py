"""Whether the assistant comes by itself at a login. Loads no toolkit: at most logins the answer is no.

It comes to administrators of an installed machine that nobody has set up, at each login until one of them has
come to its end or has said no. What was begun and cut off it goes on with. On a live system everything is
forgotten at the next start, and it would come at every one: there it waits among the applications.
"""

from __future__ import annotations

import asyncio
import grp
import os
import sys
from pathlib import Path
from typing import Final, NoReturn

from sigmavault.cli.host.client import connect
from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.setup.journal import Journal, Progress
from sigmavault.setup.keeping import Kept, journal_file
from sigmavault.setup.look import has_pool
from sigmavault.system.files import read_or_empty

ASSISTANT: Final = "/usr/libexec/sigmavault/setup-assistant"
FIRST_LOGIN: Final = "--first-login"
ADMINISTRATORS: Final = "sudo"
"""The group that polkit takes for administrators (50-default.rules of Debian)."""
_LIVE: Final = "boot=live"
_COMMAND_LINE: Final = Path("/proc/cmdline")


def main() -> int:
    """Become the assistant where it is asked for; the exit code where it is not."""
    try:
        if _is_asked_for():
            _become_the_assistant()
    except SigmaVaultError as error:
        # at a login nobody wants to read that; whoever opens the assistant is told, and can try again
        sys.stderr.write(f"the setup assistant is not offered: {error.message}\n")
        return error.exit_code
    return 0


def _is_asked_for() -> bool:
    if not _is_administrator() or is_live(read_or_empty(_COMMAND_LINE)):
        return False
    journal = Kept(journal_file()).journal
    return journal.is_asked_for and (was_cut_off(journal) or not _is_set_up())


def is_live(command_line: str) -> bool:
    """Whether the kernel was started for a live system: live-boot(7) asks for this word."""
    return _LIVE in command_line.split()


def was_cut_off(journal: Journal) -> bool:
    """Whether this person has begun and not come to the end."""
    return journal.progress is Progress.RUNNING


def _is_administrator() -> bool:
    try:
        return grp.getgrnam(ADMINISTRATORS).gr_gid in os.getgroups()
    except KeyError:
        return False


def _is_set_up() -> bool:
    """Whether somebody else, a file of answers or a person at the console, has done it.

    The machine is asked: their journals are not for others to read.
    """
    with asyncio.Runner() as runner, connect() as host:
        return runner.run(has_pool(host))


def _become_the_assistant() -> NoReturn:
    os.execv(ASSISTANT, [ASSISTANT, FIRST_LOGIN])  # noqa: S606 - no shell, and no process that waits for it
