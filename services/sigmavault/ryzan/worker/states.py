"""States of prompts outside of the context: in memory, and those with a name on disk as well.

Each place has its budget in bytes and gives up what was not used for the longest time. What is on disk is
found again after a restart. No failure here is a failure of a request: the prompt is computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from array import array
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from sigmavault.core.chat import Reuse
from sigmavault.ryzan.worker.prefix import common
from sigmavault.ryzan.worker.statefile import PART, SUFFIX, Head, Writing, read_head, read_state

_log = logging.getLogger(__name__)

_ENDS_BYTES = 1024 * 1024

_WRITE_BYTES = 1024 * 1024
_MOST_WAITING = 2
"""States that wait to be written; more are not kept."""

_ENTRY_BYTES = 512
"""What one kept state takes beside its data and tokens, about."""

_TOKEN_BYTES = 4


@dataclass(slots=True, eq=False)
class Kept:
    """A state outside of the context.

    Attributes:
        tokens: what it is of.
        space: whose it is; None for one that was found on disk.
        key: hash of its name; empty without one.
        data: the state, while it is in memory.
        head: of its file, once that is written.
        used: when it was used last, as a growing number.
    """

    tokens: array[int]
    space: str | None
    key: bytes
    data: bytearray | None = None
    head: Head | None = None
    used: int = 0

    @property
    def ram_bytes(self) -> int:
        """Memory that it takes."""
        return (len(self.data) if self.data else 0) + _TOKEN_BYTES * len(self.tokens) + _ENTRY_BYTES


def hash_key(key: str) -> bytes:
    """How a name is kept: it may tell something about who gave it. Empty for none."""
    return hashlib.sha256(key.encode(errors="replace")).digest() if key else b""


def identify(file: Path, *parts: str) -> bytes:
    """What a state is worth anything for: this file, and whatever else the parts say.

    The file's size, time and ends stand for its contents: to read it all would take longer than the states
    save.
    """
    stat = file.stat()
    digest = hashlib.sha256(f"{stat.st_size} {stat.st_mtime_ns}".encode())
    with file.open("rb") as data:
        digest.update(data.read(_ENDS_BYTES))
        data.seek(max(0, stat.st_size - _ENDS_BYTES))
        digest.update(data.read())
    for part in parts:
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.digest()


class States:
    """All kept states of one model."""

    def __init__(
        self, *, identity: bytes, ram_budget: int, folder: Path | None = None, disk_budget: int = 0,
        is_whole: bool = False,
    ) -> None:  # fmt: skip
        """Look what is on disk.

        Args:
            identity: of model, engine and format; states of another one are not touched.
            ram_budget: bytes in memory.
            folder: for named states; None: none are kept on disk.
            disk_budget: bytes of all states in that folder, whoever wrote them.
            is_whole: a state can serve only as a whole.
        """
        self._identity = identity
        self.ram_budget = ram_budget
        self._folder = folder
        self._disk_budget = disk_budget
        self._is_whole = is_whole
        self._kept: list[Kept] = []
        self._writing: Writing | None = None
        self._written: Kept | None = None
        self._waiting: deque[Kept] = deque()
        self._clock = 0
        self._has_complained = False
        self.disk_bytes = 0
        self._look()

    @property
    def ram_bytes(self) -> int:
        """Memory that all kept states take."""
        return sum(each.ram_bytes for each in self._kept)

    @property
    def has_work(self) -> bool:
        """Whether something waits to be written."""
        return self._writing is not None or bool(self._waiting)

    def find(self, tokens: list[int], reuse: Reuse) -> tuple[Kept | None, int]:
        """The state that has most of a prompt, and how many of its tokens; never all of them."""
        best: Kept | None = None
        most = 0
        key = hash_key(reuse.key)
        asked = array("i", tokens) if self._kept else array("i")
        for each in self._kept:
            if len(each.tokens) <= most or not (each.space == reuse.space or (key and each.key == key)):
                continue
            count = min(common(each.tokens, asked), len(tokens) - 1)
            if count > most and not (self._is_whole and count < len(each.tokens)):
                best, most = each, count
        return best, most

    def named(self, tokens: list[int], key: str) -> int:
        """How many of the tokens the states kept under a name cover."""
        wanted, asked = hash_key(key), array("i", tokens)
        kept = (each.tokens for each in self._kept if each.key == wanted)
        return max((common(each, asked) for each in kept if self._serves(each, asked)), default=0)

    def _serves(self, kept: array[int], asked: array[int]) -> bool:
        return not self._is_whole or common(kept, asked) == len(kept)

    def load(self, kept: Kept) -> bytearray | None:
        """The state itself; None when its file is gone or damaged: it is forgotten then."""
        self._clock += 1
        kept.used = self._clock
        if kept.data is not None:
            return kept.data
        place = self._place(kept)
        data = read_state(place, kept.head) if place and kept.head else None
        if data is None:
            self.drop(kept)
        elif place:
            with contextlib.suppress(OSError):
                os.utime(place)
        return data

    def drop(self, kept: Kept) -> None:
        """Forget a state, with its file: it is of no use."""
        self._kept.remove(kept)
        if place := self._place(kept):
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)
            self._count()

    def keep(self, tokens: list[int], reuse: Reuse, data: bytearray, *, on_disk: bool = False) -> None:
        """Keep a state in memory, and under the requester's key on disk if asked to."""
        self._clock += 1
        key = hash_key(reuse.key) if on_disk else b""
        made = Kept(tokens=array("i", tokens), space=reuse.space, key=key, data=data, used=self._clock)
        for each in [each for each in self._kept if self._is_covered(each, made)]:
            self._kept.remove(each)
        self._kept.append(made)
        if on_disk and self._folder is not None and len(self._waiting) < _MOST_WAITING:
            self._waiting.append(made)
        self._shrink()

    def _is_covered(self, old: Kept, new: Kept) -> bool:
        """Whether a longer state of the same requester makes one in memory useless."""
        if old.key or old.space != new.space or self._is_whole:
            return False
        return len(old.tokens) <= len(new.tokens) and common(old.tokens, new.tokens) == len(old.tokens)

    def write(self) -> bool:
        """Write a part of what waits; False when nothing is left to write."""
        try:
            if self._writing is None:
                self._begin()
            elif self._writing.step(_WRITE_BYTES):
                self._end(self._writing.head)
        except OSError as error:
            self._end(None)
            if not self._has_complained:
                _log.warning("states of prompts are not kept on disk: %s", error.strerror)
            self._has_complained = True
        return self.has_work

    def _end(self, head: Head | None) -> None:
        if self._written is not None:
            self._written.head = head
        self._writing = self._written = None
        self._count()
        self._shrink()

    def _begin(self) -> None:
        if not self._waiting or self._folder is None:
            return
        kept = self._waiting.popleft()
        data = kept.data or bytearray()
        head = Head(identity=self._identity, key=kept.key, tokens=kept.tokens, state_bytes=len(data))
        if not data or head.file_bytes > self._disk_budget:
            self._shrink()
            return
        self._make_disk_room(head.file_bytes)
        self._written = kept
        self._writing = Writing(self._folder, head, data)

    def _shrink(self) -> None:
        """Give up memory until the budget holds; what is on disk stays there."""
        needed = [*self._waiting, *((self._written,) if self._written else ())]
        total = self.ram_bytes
        for each in sorted(self._kept, key=lambda each: each.used):
            if total <= self.ram_budget:
                return
            if each.data is None or any(each is one for one in needed):
                continue
            total -= len(each.data)
            each.data = None
            if each.head is None:
                self._kept.remove(each)

    def _place(self, kept: Kept) -> Path | None:
        return self._folder / kept.head.name if self._folder and kept.head else None

    def _files(self) -> list[tuple[float, int, Path]]:
        """Age, size and path of all states in the folder, oldest first."""
        found = []
        if self._folder is not None:
            with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name.endswith((SUFFIX, PART)):
                        stat = entry.stat(follow_symlinks=False)
                        found.append((stat.st_mtime, stat.st_size, Path(entry.path)))
        return sorted(found)

    def _count(self) -> None:
        self.disk_bytes = sum(size for _, size, _ in self._files())

    def _make_disk_room(self, size: int) -> None:
        files = self._files()
        total = sum(each for _, each, _ in files) + size
        for _, each, path in files:
            if total <= self._disk_budget:
                break
            path.unlink(missing_ok=True)
            total -= each
            self._kept = [kept for kept in self._kept if kept.data or self._place(kept) != path]
        self._count()

    def _look(self) -> None:
        if self._folder is not None:
            with contextlib.suppress(OSError):  # it is told when something is to be written there
                self._folder.mkdir(mode=0o700, exist_ok=True)
        own = self._identity.hex()[:16]
        for _, _, path in self._files():
            if not path.name.startswith(own):
                continue
            head = read_head(path)
            if head is None or head.identity != self._identity or head.name != path.name:
                with contextlib.suppress(OSError):
                    path.unlink()
                continue
            self._clock += 1
            self._kept.append(Kept(tokens=head.tokens, space=None, key=head.key, head=head, used=self._clock))
        self._count()
