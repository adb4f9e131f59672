"""`org.sigmavault.Setup`: the application, and what decides whether it comes by itself at a login."""

from __future__ import annotations

import asyncio
import grp
import os
from collections.abc import Sequence
from typing import Final

from gi.events import GLibEventLoopPolicy

from sigmavault.desktop.setup.engine import WORKER, Engine
from sigmavault.desktop.setup.window import SetupWindow
from sigmavault.desktop.toolkit import Adw
from sigmavault.setup.keeping import Kept, journal_file

APPLICATION_ID: Final = "org.sigmavault.Setup"
FIRST_LOGIN: Final = "--first-login"
ADMINISTRATORS: Final = "sudo"
"""The group that polkit takes for administrators (50-default.rules of Debian)."""


class SetupApplication(Adw.Application):
    """One window, however often it is started."""

    def __init__(self, *, is_first_login: bool = False, worker: Sequence[str] = WORKER) -> None:
        super().__init__(application_id=APPLICATION_ID)
        self._worker = worker
        self._is_first_login = is_first_login

    def do_activate(self) -> None:
        """Bring the window to the front."""
        window = self.get_active_window() or SetupWindow(
            self, Engine(self._worker), is_first_login=self._is_first_login
        )
        window.present()


def main(argv: Sequence[str]) -> int:
    """Run until the window is closed; returns the exit code.

    With `--first-login`, as the desktop starts it at every login, it is there only while nobody has set this
    machine up, or said no, and only for people who may.
    """
    wanted = list(argv)
    if FIRST_LOGIN in wanted:
        wanted.remove(FIRST_LOGIN)
        if not _is_asked_for():
            return 0
    asyncio.set_event_loop_policy(GLibEventLoopPolicy())
    return int(SetupApplication(is_first_login=FIRST_LOGIN in argv).run(wanted))


def _is_asked_for() -> bool:
    """Whether this person may look after the machine, and it is still to be set up."""
    groups = {grp.getgrgid(each).gr_name for each in os.getgroups()}
    return ADMINISTRATORS in groups and Kept(journal_file()).journal.is_asked_for
