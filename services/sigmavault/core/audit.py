"""The audit: one record for every call, each sealed with the hash of the one before. Pure.

A record is one line of JSON in canonical form (sorted keys, no spaces, ASCII); `hash` is SHA-256 of the line
without it, and `prev` the hash of the record before. So a line that is altered, cut out or put in breaks the
chain at its place. The end of the chain is kept beside it (`Head`): without that, lines cut off the end would
not be missed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Self

from pydantic import Field, JsonValue, ValidationError

from sigmavault.core.errors import AuditError
from sigmavault.core.operation.plan import Value, canonical

GENESIS: Final = "0" * 64
"""What the first record of all names as the one before it."""
NOBODY: Final = -1
"""The user of a caller that nobody can name any more; no user has this number (credentials(7))."""
_LONGEST_ARGUMENTS: Final = 4096
_LONGEST_MESSAGE: Final = 500


class Event(StrEnum):
    """What a record tells of."""

    READ = "read"
    PLAN = "plan"
    APPLY = "apply"
    """A plan was to be applied, and was refused."""
    BEGIN = "begin"
    """A job begins; written before anything is changed."""
    END = "end"
    CANCEL = "cancel"
    RESOLVED = "resolved"
    """How a job ended that the daemon did not see ending, told by the real state."""
    EVENT = "event"
    """Somebody reported an event of a pool."""
    EARLY = "early"
    """Done at boot, before the daemon ran, and told by whoever did it: a unit of ours."""
    FOLLOW = "follow"
    """The daemon let what is served follow what is mounted."""
    START = "start"
    STOP = "stop"
    RECOVERED = "recovered"
    """A line that was not written whole (power cut) was dropped."""


class Who(Value):
    """Who called.

    Attributes:
        name: unique name on the bus.
        uid: user, as the kernel told the bus; `NOBODY` when it was gone before the bus was asked.
        user: its name; empty when it has none.
        pid: process; 0 when not known.
        program: its executable, or what it calls itself.
        unit: systemd unit that it runs in: a service, or the scope of a login.
        place: where the login comes from: a remote host, a terminal; empty when not known.
    """

    name: str
    uid: int
    user: str = ""
    pid: int = 0
    program: str = ""
    unit: str = ""
    place: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it was still there when the bus was asked who it is."""
        return self.uid != NOBODY


class Facts(Value):
    """What a record tells, before it is sealed.

    Attributes:
        event: of what.
        who: who called; None: the daemon itself.
        operation: name of the operation; as asked, when there is none of that name.
        arguments: as they were understood; secrets are never among them.
        job: id of the job.
        digest: of the plan.
        result: `ok`, or the code of the failure: `auth.denied`.
        message: the failure in words.
    """

    event: Event
    who: Who | None = None
    operation: str = ""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    job: str = ""
    digest: str = ""
    result: str = "ok"
    message: str = ""

    @classmethod
    def parsed(cls, line: str) -> Self:
        """Out of one line of JSON.

        Raises:
            AuditError: it is none of ours.
        """
        try:
            return cls.model_validate_json(line)
        except ValidationError as error:
            raise AuditError("the line is no record") from error

    def shortened(self) -> Self:
        """With texts of bounded length: nobody fills the log by asking long questions."""
        text = canonical(self.arguments)
        if len(text) > _LONGEST_ARGUMENTS:
            digest = hashlib.sha256(text.encode()).hexdigest()
            cut: dict[str, JsonValue] = {"sha256": digest, "characters": len(text)}
            return self.model_copy(update={"arguments": cut, "message": self.message[:_LONGEST_MESSAGE]})
        return self.model_copy(update={"message": self.message[:_LONGEST_MESSAGE]})


class Head(Value):
    """The end of a chain: the last record.

    Attributes:
        seq: its number; 0: there is none.
        hash: its hash.
    """

    seq: int = 0
    hash: str = GENESIS


class Record(Facts):
    """A sealed record.

    Attributes:
        seq: its number, from 1 on, without gaps.
        time: when, ISO 8601 UTC.
        prev: hash of the record before.
        hash: its own.
    """

    seq: int
    time: str
    prev: str
    hash: str

    def line(self) -> str:
        """The record as one line, without the line feed."""
        return canonical(self.model_dump(mode="json"))

    @property
    def head(self) -> Head:
        """The chain's end, when this is the last one."""
        return Head(seq=self.seq, hash=self.hash)


def seal(facts: Facts, before: Head, now: float) -> Record:
    """The record that follows `before`; `now` in seconds since 1970."""
    time = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    content: dict[str, Any] = facts.shortened().model_dump(mode="json")
    content |= {"seq": before.seq + 1, "time": time, "prev": before.hash}
    return Record.model_validate({**content, "hash": _hash(content)})


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def parse(line: str) -> Record:
    """A record out of a line.

    Raises:
        ValueError: it is none, or it was altered.
    """
    try:
        record = Record.model_validate_json(line)
    except ValidationError as error:
        raise ValueError("this is no record") from error
    if record.line() != line or _hash(record.model_dump(mode="json", exclude={"hash"})) != record.hash:
        raise ValueError("this record was altered")
    return record


class Line(Value):
    """A line of the log.

    Attributes:
        file: name of its file.
        number: from 1 on.
        text: without the line feed.
    """

    file: str
    number: int
    text: str


class Finding(Value):
    """Where the chain is broken first.

    Attributes:
        file: name of the file; empty: not in a file, but after all of them.
        line: number of the line; 0: after the last one.
        text: what is wrong, as a sentence.
    """

    file: str
    line: int
    text: str


class Verdict(Value):
    """What the look at a chain has shown.

    Attributes:
        records: how many are right, from the first one on.
        last: the last right one.
        finding: what is wrong first; None: nothing is.
    """

    records: int
    last: Head
    finding: Finding | None = None


def verify(lines: Iterable[Line], before: Head, head: Head) -> Verdict:
    """Check a chain.

    Args:
        lines: of all files, the oldest first.
        before: end of the part that was removed because of its age; the default when nothing was.
        head: the end, as it is kept beside the log. Records after it are right too: it is written later.
    """
    last, count, head_hash = before, 0, before.hash if before.seq == head.seq else ""
    for line in lines:
        found = _check(line, last)
        if isinstance(found, Finding):
            return Verdict(records=count, last=last, finding=found)
        last, count = found.head, count + 1
        head_hash = last.hash if last.seq == head.seq else head_hash
    if last.seq < head.seq:
        text = f"records {last.seq + 1} to {head.seq} are missing at the end"
        return Verdict(records=count, last=last, finding=Finding(file="", line=0, text=text))
    if head_hash != head.hash:
        text = f"record {head.seq} is not the one that was written: the log was replaced"
        return Verdict(records=count, last=last, finding=Finding(file="", line=0, text=text))
    return Verdict(records=count, last=last)


def _check(line: Line, last: Head) -> Record | Finding:
    try:
        record = parse(line.text)
    except ValueError as error:
        return Finding(file=line.file, line=line.number, text=str(error))
    if record.seq > last.seq + 1:
        text = f"records {last.seq + 1} to {record.seq - 1} are missing before this one"
    elif record.seq <= last.seq:
        text = f"record {record.seq} stands where {last.seq + 1} should"
    elif record.prev != last.hash:
        text = f"record {record.seq} does not follow the one before it"
    else:
        return record
    return Finding(file=line.file, line=line.number, text=text)
