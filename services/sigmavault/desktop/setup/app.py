"""`org.sigmavault.Setup`: the application."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from gi.events import GLibEventLoopPolicy

from sigmavault.desktop.setup.engine import WORKER, Engine
from sigmavault.desktop.setup.offer import FIRST_LOGIN
from sigmavault.desktop.setup.window import SetupWindow
from sigmavault.desktop.toolkit import Adw

APPLICATION_ID: Final = "org.sigmavault.Setup"


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

    With `--first-login`, as `offer` starts it, it can be told not to come again.
    """
    asyncio.set_event_loop_policy(GLibEventLoopPolicy())
    wanted = [each for each in argv if each != FIRST_LOGIN]
    return int(SetupApplication(is_first_login=FIRST_LOGIN in argv).run(wanted))
