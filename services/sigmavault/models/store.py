"""What the daemon keeps across restarts: the queue, and whether the boot disk was agreed to."""

from __future__ import annotations

import logging
from pathlib import Path

from sigmavault.core.downloads.queue import Queue, decode
from sigmavault.core.errors import ConfigError
from sigmavault.system.files import read_or_empty, sync_folder, write_durably

_QUEUE = "queue.json"
_CONSENT = "boot-disk-allowed"
_UNFINISHED = "unfinished"
"""There while something goes on by itself: systemd starts the daemon for it (`sigmavault-models.path`)."""

_log = logging.getLogger(__name__)


class Store:
    """A folder of the daemon's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = ""

    def read(self) -> Queue:
        """The queue as it was; an empty one where there is none, or it cannot be read."""
        text = read_or_empty(self._folder / _QUEUE)
        if not text:
            return Queue()
        try:
            return decode(text)
        except ConfigError as error:
            # what was fetched is still there, and is gone on with when it is asked for again
            _log.error("%s: it begins empty", error.message)
            return Queue()

    def write(self, queue: Queue) -> None:
        """Keep the queue.

        Raises:
            OSError: it cannot be written.
        """
        text = queue.encode()
        if text != self._written:
            write_durably(self._folder / _QUEUE, text, 0o644)
            self._written = text
        self._mark(_UNFINISHED, is_set=not queue.is_at_rest)

    @property
    def boot_disk_allowed(self) -> bool:
        """Whether somebody has agreed to models on the boot disk."""
        return (self._folder / _CONSENT).exists()

    def allow_boot_disk(self, *, allowed: bool) -> None:
        """Keep that somebody has agreed, or does no more."""
        self._mark(_CONSENT, is_set=allowed)

    def _mark(self, name: str, *, is_set: bool) -> None:
        file = self._folder / name
        if is_set == file.exists():
            return
        if is_set:
            file.touch(0o644)
        else:
            file.unlink()
        sync_folder(self._folder)
