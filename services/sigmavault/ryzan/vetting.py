"""Whether a model's file may be loaded at all: its size, its hash, its header.

Hashing reads the whole file, so it happens once for each file; which ones passed is kept in a small file
of the service's own. Blocks: call it in a thread.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from sigmavault.core.errors import ModelRefusedError
from sigmavault.core.gguf import Header, read_header

_log = logging.getLogger(__name__)

type Identity = tuple[int, int, int, int, int]
"""Device, inode, size, time of change of the content and of the inode: another file has another one."""


def identify(file: Path) -> Identity | None:
    """Which file is there; None: none."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a file must be.

    Attributes:
        size: in bytes; None: any.
        sha256: of the content; None: any.
    """

    size: int | None = None
    sha256: str | None = None


class Vetting:
    """Checks files, and remembers which ones passed."""

    def __init__(self, state: Path | None) -> None:
        """With a file to remember hashes in; None: only as long as the service runs."""
        self._state = state
        self._hashes: dict[str, list[object]] = self._read()

    def check(self, file: Path, expected: Expected) -> Header:
        """The header of a file that may be loaded.

        Raises:
            ModelRefusedError: it is not what it must be, or no file that llama.cpp can load.
        """
        identity = identify(file)
        try:
            with file.open("rb") as data:
                size = data.seek(0, 2)
                data.seek(0)
                if expected.size is not None and size != expected.size:
                    raise ModelRefusedError(
                        f"{file.name} has {size} bytes, it must have {expected.size}: damaged"
                    )
                header = _header(file, size)
                if expected.sha256 is not None and not self._is_known(file, identity, expected.sha256):
                    found = hashlib.file_digest(data, "sha256").hexdigest()
                    if found != expected.sha256:
                        raise ModelRefusedError(
                            f"{file.name} has the sha256 {found}, it must have {expected.sha256}: damaged"
                        )
                    self._remember(file, identity, found)
        except OSError as error:
            raise ModelRefusedError(f"{file.name} cannot be read: {error.strerror}") from error
        if identify(file) != identity:
            raise ModelRefusedError(f"{file.name} was changed while it was being checked")
        return header

    def _is_known(self, file: Path, identity: Identity | None, sha256: str) -> bool:
        return identity is not None and self._hashes.get(str(file)) == [sha256, *identity]

    def _remember(self, file: Path, identity: Identity | None, sha256: str) -> None:
        if identity is None:
            return
        self._hashes[str(file)] = [sha256, *identity]
        if self._state is None:
            return
        fresh = self._state.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(self._hashes))
            fresh.replace(self._state)
        except OSError as error:  # a full disk: the file is hashed again next time
            _log.warning("%s cannot be written: %s", self._state, error.strerror)

    def _read(self) -> dict[str, list[object]]:
        if self._state is None:
            return {}
        try:
            found = json.loads(self._state.read_text())
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {str(key): value for key, value in found.items() if isinstance(value, list)}


def _header(file: Path, size: int) -> Header:
    # of its own descriptor: the one that is hashed starts at the beginning
    with file.open("rb") as data:
        try:
            return read_header(data, size)
        except ModelRefusedError as error:
            raise ModelRefusedError(f"{file.name}: {error.message}") from error
