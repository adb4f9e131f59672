"""The lines that a person typed, kept from one chat to the next for the arrow keys and for nobody else."""

from __future__ import annotations

import os
import readline
from pathlib import Path

from sigmavault.system import env

_MOST_LINES = 1000


def history_file() -> Path:
    """Where the lines are kept, by the rules of XDG."""
    told = env.text("XDG_STATE_HOME")
    folder = Path(told) if told.startswith("/") else Path.home() / ".local/state"
    return folder / "sigmavault/chat_history"


class LineHistory:
    """What the arrow keys bring back.

    Args:
        file: where lines are kept; None: nowhere.
    """

    def __init__(self, file: Path | None) -> None:
        readline.set_auto_history(False)  # commands and answers to prompts are no questions
        self._file = file

    def open(self) -> None:
        """Read what was typed before.

        Raises:
            OSError: it can be neither read nor kept; from here on nothing is.
        """
        if self._file is None:
            return
        file, self._file = self._file, None
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
        readline.read_history_file(file)
        if readline.get_current_history_length() > _MOST_LINES:
            readline.set_history_length(_MOST_LINES)
            readline.write_history_file(file)
        self._file = file

    def add(self, line: str) -> None:
        """Keep one line, at once: a session may end at any moment."""
        readline.add_history(line)
        if self._file is not None:
            try:
                readline.append_history_file(1, self._file)
            except OSError:  # a full disk is no reason to end a conversation
                self._file = None
