"""The journal on disk: written whole after every step, read when somebody asks how far it is."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sigmavault.core.setup.answers import Answers
from sigmavault.core.setup.journal import Journal, Progress, parse_journal
from sigmavault.core.setup.plan import SetupPlan
from sigmavault.system import env
from sigmavault.system.files import make_folder, read_or_empty, write_durably

NAME: Final = "setup.json"
FOLDER: Final = Path("/var/lib/sigmavault/setup")


def journal_file() -> Path:
    """The machine's own for root; a person without its rights has one, too, beside other state."""
    if told := env.text("SIGMAVAULT_SETUP"):
        return Path(told) / NAME
    if os.geteuid() == 0:
        return FOLDER / NAME
    state = Path(env.text("XDG_STATE_HOME") or Path.home() / ".local/state")
    return state / "sigmavault" / NAME


class Kept:
    """The journal of this machine."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.journal: Journal = parse_journal(read_or_empty(file))

    def begin(self, answers: Answers) -> None:
        """Forget the last run."""
        self.journal = Journal(answers=answers.public())

    def note(self, plan: SetupPlan, progress: Progress) -> None:
        """Write down how far it is. That it cannot be written stops nothing: the machine knows for itself."""
        self.journal = self.journal.at(plan, datetime.now(UTC).isoformat(timespec="seconds"), progress)
        self._write()

    def decline(self) -> None:
        """Write down that nobody wants to be asked."""
        self.journal = self.journal.model_copy(update={"progress": Progress.DECLINED})
        self._write()

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            make_folder(self._file.parent)
            # who administers the machine, and which shares there are, is nobody else's business
            write_durably(self._file, self.journal.model_dump_json(indent=1) + "\n", 0o600)
