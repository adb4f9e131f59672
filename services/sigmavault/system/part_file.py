"""A file on its way to this machine: `.NAME.part` and what is known of it, until it gets its name.

It is in the folder that it will be in, so the name comes with a rename(2): all of it, or nothing. After a
power cut what is there is a beginning of the file or it is not; the sha256 over all of it decides.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import queue
import threading
from pathlib import Path
from typing import Final, Self

from sigmavault.core.downloads.record import PartRecord, decode_record, part_name
from sigmavault.core.errors import NoSpaceError, OperationError
from sigmavault.core.manifest import Model
from sigmavault.system.fetch import Control
from sigmavault.system.files import read_or_empty, sync_folder, write_durably

_PIECE: Final = 1024 * 1024
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_AHEAD: Final = 8
"""Pieces that may wait to be hashed: few stay in the processor's cache, and more are no faster."""


def paths(folder: Path, file: str) -> tuple[Path, Path]:
    """The unfinished file, and its record."""
    part = folder / part_name(file)
    return part, part.with_name(f"{part.name}.json")


def bytes_there(folder: Path, model: Model) -> int:
    """How much of a model is there unfinished; 0 for nothing that counts."""
    part, kept = paths(folder, model.file)
    record = decode_record(read_or_empty(kept))
    try:
        size = part.lstat().st_size
    except OSError:
        return 0
    return size if record is not None and record.is_for(model) and size <= record.size else 0


def discard(folder: Path, file: str) -> None:
    """Remove an unfinished file; harmless where there is none."""
    for path in paths(folder, file):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


class PartFile:
    """An unfinished file, open. It hashes what is written in a thread of its own, while more comes."""

    def __init__(self, folder: Path, model: Model) -> None:
        """Open what is there, or begin.

        Raises:
            OperationError: the folder cannot be written to.
        """
        if model.size is None or model.sha256 is None:
            raise OperationError(f"{model.id} is {model.why_not_offered}")
        self._folder, self._file = folder, model.file
        self._part, self._kept = paths(folder, model.file)
        self.size, self.sha256 = model.size, model.sha256
        self._there = bytes_there(folder, model)
        record = decode_record(read_or_empty(self._kept)) if self._there else None
        self._record = record or PartRecord(sha256=self.sha256, size=self.size)
        self._hash, self._hashed = hashlib.sha256(), 0
        self.is_pieced = bool(self._there)
        """Whether it is made of more than one transfer."""
        try:
            self._descriptor = os.open(self._part, _FLAGS, 0o600)
            os.ftruncate(self._descriptor, self._there)
        except OSError as error:
            raise _explained(error, self._part) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    @property
    def there(self) -> int:
        """How much of it is here."""
        return self._there

    def etag_of(self, source: str) -> str:
        """What the source called the file when our bytes came from it; empty: they are not from it."""
        return self._record.etag if self._record.source == source else ""

    def hash_beginning(self, control: Control) -> None:
        """Hash what was there before; reads all of it.

        Raises:
            StoppedError: somebody wants it to end.
        """
        while self._hashed < self._there:
            control.check()
            piece = os.pread(self._descriptor, min(_PIECE, self._there - self._hashed), self._hashed)
            if not piece:  # nobody else writes here; if so, it begins anew
                self.restart()
                return
            self._hash.update(piece)
            self._hashed += len(piece)

    def restart(self) -> None:
        """Forget all bytes."""
        os.ftruncate(self._descriptor, 0)
        self._there, self._hash, self._hashed = 0, hashlib.sha256(), 0
        self.is_pieced = False

    def begin(self, source: str, etag: str) -> None:
        """From here on the bytes come from this source."""
        fresh = PartRecord(sha256=self.sha256, size=self.size, source=source, etag=etag)
        if fresh != self._record or not self._kept.exists():
            try:
                write_durably(self._kept, fresh.encode())
            except OSError as error:
                raise _explained(error, self._kept) from error
            self._record = fresh

    def writing(self) -> Writing:
        """Take bytes at the end of it."""
        return Writing(self)

    def append(self, piece: bytes) -> None:
        """Write at the end; the hash is the business of `Writing`.

        Raises:
            NoSpaceError: the disk is full.
            OperationError: it cannot be written.
        """
        left = memoryview(piece)
        try:
            while left:
                done = os.pwrite(self._descriptor, left, self._there)
                self._there += done
                left = left[done:]
        except OSError as error:
            raise _explained(error, self._part) from error

    def hash_piece(self, piece: bytes) -> None:
        """Add to the hash, in the order of the bytes."""
        self._hash.update(piece)
        self._hashed += len(piece)

    @property
    def is_right(self) -> bool:
        """Whether it is the file of the manifest, whole."""
        is_whole = self._there == self._hashed == self.size
        return is_whole and self._hash.hexdigest() == self.sha256

    @property
    def digest(self) -> str:
        """The sha256 of what is here."""
        return self._hash.hexdigest()

    def finish(self) -> Path:
        """Give it its name, once all of it is on the disk; returns the path.

        Raises:
            OperationError: it is not right, or cannot be named.
        """
        if not self.is_right:
            raise OperationError(f"{self._file} is not what it must be")
        target = self._folder / self._file
        try:
            os.fchmod(self._descriptor, 0o644)
            os.fsync(self._descriptor)
            self._part.rename(target)
            sync_folder(self._folder)
            self._kept.unlink(missing_ok=True)
        except OSError as error:
            raise _explained(error, target) from error
        return target


class Writing:
    """Bytes on their way to the file; while this is open, a thread hashes them."""

    def __init__(self, part: PartFile) -> None:
        self._part = part
        self._pieces: queue.Queue[bytes] = queue.Queue(_AHEAD)
        self._thread = threading.Thread(target=self._hash, name="sha256")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._pieces.put(b"")
        self._thread.join()

    def write(self, piece: bytes) -> None:
        """Take the next bytes; at least one."""
        self._part.append(piece)
        self._pieces.put(piece)

    def _hash(self) -> None:
        while piece := self._pieces.get():
            self._part.hash_piece(piece)


def _explained(error: OSError, place: Path) -> OperationError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(f"{place.parent} is full")
    return OperationError(f"{place} cannot be written: {error.strerror}")
