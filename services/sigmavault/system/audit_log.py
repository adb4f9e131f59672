"""The audit log on disk: `/var/log/sigmavault/audit.jsonl`, and the end of its chain in the daemon's folder.

One writer (hostd), any number of readers. A record of a change is on the disk before the change begins,
others within moments. When the file is full it is renamed after its first record, and the chain goes on in
a new one; files that are too many go, and the head remembers where the rest begins.
"""

from __future__ import annotations

import contextlib
import grp
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from sigmavault.core import audit
from sigmavault.core.audit import Event, Facts, Finding, Head, Line, Record, Verdict, Who
from sigmavault.core.errors import AuditError
from sigmavault.core.operation.plan import Value
from sigmavault.system import journal
from sigmavault.system.files import write_durably

FOLDER: Final = Path("var/log/sigmavault")
CURRENT: Final = "audit.jsonl"
HEAD: Final = Path("var/lib/sigmavault/hostd/audit-head.json")
_FULL_BYTES: Final = 16 * 1024 * 1024
_MOST_FILES: Final = 32
_TAIL_BYTES: Final = 64 * 1024
_READERS: Final = "adm"


class Ends(Value):
    """What is kept beside the log.

    Attributes:
        base: end of the part that was removed because of its age.
        head: the last record that is surely on the disk.
    """

    base: Head = Head()
    head: Head = Head()


class AuditLog:
    """The writer. Its methods may be called by any thread."""

    def __init__(
        self, root: Path, clock: Callable[[], float], *,
        full_bytes: int = _FULL_BYTES, most: int = _MOST_FILES,
        tell: Callable[[Mapping[str, str]], object] = journal.send,
    ) -> None:  # fmt: skip
        """`root` is where the file system begins, `clock` gives seconds since 1970.

        Raises:
            AuditError: the log cannot be opened.
        """
        self._root, self._clock, self._tell = root, clock, tell
        self._full_bytes, self._most = full_bytes, most
        self._guard = threading.Lock()
        self._is_dirty = False
        try:
            _make_folders(root)
            ends = read_ends(root)
            self._ends = ends or Ends()
            self._file = _open(root)
            dropped = _drop_torn_line(self._file)
            self._last = self._find_last()
        except OSError as error:
            raise AuditError(f"the audit log cannot be opened: {error}") from error
        if dropped:
            self.append(Facts(event=Event.RECOVERED, message=f"{dropped} bytes of an unfinished record"))
        if ends is None and self._last.seq:
            self.append(Facts(event=Event.RECOVERED, message="the end of the chain was not known"))

    def append(self, facts: Facts, *, durable: bool = False) -> Record:
        """Write a record.

        Args:
            facts: what it tells.
            durable: return only when it outlives a power cut.

        Raises:
            AuditError: it was not written.
        """
        with self._guard:
            try:
                self._rotate_if_full()
                record = audit.seal(facts, self._last, self._clock())
                _write(self._file, record.line().encode() + b"\n")
                self._last, self._is_dirty = record.head, True
                if durable:
                    self._sync()
            except OSError as error:
                raise AuditError(f"the audit log cannot be written: {error.strerror}") from error
        self._tell(_fields(record))
        return record

    def sync(self) -> None:
        """Bring to the disk what is not there yet.

        Raises:
            AuditError: it cannot be written.
        """
        with self._guard:
            try:
                if self._is_dirty:
                    self._sync()
            except OSError as error:
                raise AuditError(f"the audit log cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """The end; the log stays."""
        with contextlib.suppress(AuditError):
            self.sync()
        os.close(self._file)

    def _sync(self) -> None:
        os.fsync(self._file)
        # only now: a head that is ahead of the log would look like a cut after a power failure
        self._keep(self._ends.model_copy(update={"head": self._last}))
        self._is_dirty = False

    def _keep(self, ends: Ends) -> None:
        write_durably(self._root / HEAD, ends.model_dump_json())
        self._ends = ends

    def _find_last(self) -> Head:
        """Where the chain goes on. What does not fit the head stays visible as a gap."""
        for path in reversed(files(self._root)):
            lines = _tail(path)
            if not lines:
                continue
            try:
                last = audit.parse(lines[-1]).head
            except ValueError:
                return self._ends.head
            is_behind = last.seq < self._ends.head.seq
            is_other = last.seq == self._ends.head.seq and last != self._ends.head
            return self._ends.head if is_behind or is_other else last
        return self._ends.head

    def _rotate_if_full(self) -> None:
        if os.fstat(self._file).st_size < self._full_bytes:
            return
        self._sync()
        folder = self._root / FOLDER
        first = _first_number(folder / CURRENT)
        (folder / CURRENT).rename(folder / f"audit-{first:012d}.jsonl")
        os.close(self._file)
        self._file = _open(self._root)
        for path in files(self._root)[: -self._most]:
            lines = _tail(path)
            # the head first: when the power goes now, what is left over is known as removed
            self._keep(self._ends.model_copy(update={"base": audit.parse(lines[-1]).head}))
            path.unlink()


def files(root: Path) -> list[Path]:
    """The files of the log, the oldest first."""
    folder = root / FOLDER
    current = folder / CURRENT
    return [*sorted(folder.glob("audit-*.jsonl")), *([current] if current.exists() else [])]


def read_ends(root: Path) -> Ends | None:
    """What is kept beside the log; None where nothing is, or it cannot be read."""
    try:
        return Ends.model_validate_json((root / HEAD).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def check(root: Path) -> Verdict:
    """Look through the whole log, and compare its end."""
    ends = read_ends(root)  # before the lines: there may be more of them by then, never fewer
    if ends is None:
        if not any(path.stat().st_size for path in files(root)):
            return Verdict(records=0, last=Head())
        text = f"/{HEAD} is missing or damaged: nobody knows where the log should end"
        return Verdict(records=0, last=Head(), finding=Finding(file="", line=0, text=text))
    return audit.verify(_lines(root, ends.base), ends.base, ends.head)


def newest(root: Path) -> Iterator[Record]:
    """The records that can be read, the newest first; damage is told by `check`."""
    for path in reversed(files(root)):
        for line in reversed(path.read_text("utf-8", "replace").splitlines()):
            with contextlib.suppress(ValueError):
                yield Record.model_validate_json(line)


def _lines(root: Path, base: Head) -> Iterator[Line]:
    for path in files(root):
        if path.name != CURRENT and _first_number(path) <= base.seq:
            continue  # to be removed: the power went in between
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            for number, text in enumerate(file, 1):
                if text.endswith("\n"):  # else it is being written
                    yield Line(file=path.name, number=number, text=text[:-1])


def _first_number(path: Path) -> int:
    if path.name != CURRENT:
        return int(path.stem.removeprefix("audit-"))
    with path.open(encoding="utf-8") as file:
        return audit.parse(file.readline().rstrip("\n")).seq


def _make_folders(root: Path) -> None:
    (root / FOLDER).mkdir(mode=0o750, parents=True, exist_ok=True)
    (root / HEAD).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _open(root: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(root / FOLDER / CURRENT, flags, 0o640)
    os.fchmod(descriptor, 0o640)
    with contextlib.suppress(KeyError, PermissionError):  # no such group; a test that is not root
        os.fchown(descriptor, -1, grp.getgrnam(_READERS).gr_gid)
    return descriptor


def _drop_torn_line(descriptor: int) -> int:
    """Cut off a line that was not written whole: nobody was told that it was. Returns its bytes."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    torn = len(tail) - (tail.rfind(b"\n") + 1)
    if torn:
        os.ftruncate(descriptor, size - torn)
    return torn


def _tail(path: Path) -> list[str]:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", "replace").splitlines()


def _write(descriptor: int, data: bytes) -> None:
    """All of it or nothing of it."""
    size = os.fstat(descriptor).st_size
    try:
        written = os.write(descriptor, data)
        while written < len(data):  # the disk is nearly full
            written += os.write(descriptor, data[written:])
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _spelled(who: Who | None) -> str:
    if who is None:
        return "the daemon"
    return f"uid {who.uid} {who.user}".rstrip() if who.is_known else "a caller that nobody can name"


def _fields(record: Record) -> dict[str, str]:
    by, said = _spelled(record.who), f": {record.message}" if record.message else ""
    return {
        "MESSAGE": f"{record.event} {record.operation} by {by}: {record.result}{said}".replace("\n", " "),
        "PRIORITY": "5" if record.result == "ok" else "4",
        "SYSLOG_IDENTIFIER": "sigmavault-audit",
        "SIGMAVAULT_EVENT": record.event.value,
        "SIGMAVAULT_OPERATION": record.operation,
        "SIGMAVAULT_RESULT": record.result,
        "SIGMAVAULT_JOB": record.job,
        "SIGMAVAULT_UID": str(record.who.uid) if record.who and record.who.is_known else "",
        "SIGMAVAULT_SEQ": str(record.seq),
        "SIGMAVAULT_RECORD": record.line(),
    }
