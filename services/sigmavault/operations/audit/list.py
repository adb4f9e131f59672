"""`audit.list`."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime

from pydantic import AwareDatetime, Field

from sigmavault.core.audit import Record, Who
from sigmavault.core.operation import Arguments, Machine, Read, Value
from sigmavault.system import audit_log

_NOBODY = "?"


class AuditListArguments(Arguments):
    """Which records."""

    since: AwareDatetime | None = Field(
        None, description="only records of this time and later (ISO 8601 with a time zone)",
        examples=["2026-11-01T00:00:00Z"],
    )  # fmt: skip
    operation: str = Field(
        "", max_length=80, description="only this operation, or all of one kind of object",
        examples=["pool.create", "pool"],
    )  # fmt: skip
    user: str = Field("", max_length=64, description="only this user: name or number", examples=["anna"])
    limit: int = Field(100, ge=1, le=10_000, description="at most so many, the newest")


class AuditRow(Value):
    """A record.

    Attributes:
        seq: its number.
        time: ISO 8601 UTC.
        event: read, plan, apply, begin, end, cancel, early (at boot, before the daemon), follow (what is
            served follows what is mounted), …
        operation: its name.
        user: name of the user, or its number; empty for the daemon itself; `?` when the caller was gone
            before it was known who it is.
        place: where the user was logged in from, as far as that is known.
        program: that called.
        result: `ok`, or the code of the failure.
        message: the failure in words.
        job: id of the job.
        arguments: as JSON.
    """

    seq: int
    time: str
    event: str
    operation: str
    user: str
    place: str
    program: str
    result: str
    message: str
    job: str
    arguments: str


class AuditRows(Value):
    """Records, the newest first."""

    records: tuple[AuditRow, ...]


class AuditList(Read[AuditListArguments, AuditRows]):
    """Reads backwards from the end, and only as far as it has to."""

    name = "audit.list"
    summary = "List what was asked and done, and by whom"
    examples = ("audit list", "audit list --user anna --operation pool")
    private = True

    def read(self, arguments: AuditListArguments, machine: Machine) -> AuditRows:
        """See `Read.read`."""
        recent = itertools.takewhile(
            lambda record: _is_recent(record, arguments.since), audit_log.newest(machine.root)
        )
        wanted = (record for record in recent if _is_wanted(record, arguments))
        return AuditRows(records=tuple(_row(each) for each in itertools.islice(wanted, arguments.limit)))


def _is_recent(record: Record, since: datetime | None) -> bool:
    return since is None or datetime.fromisoformat(record.time) >= since.astimezone(UTC)


def _is_wanted(record: Record, arguments: AuditListArguments) -> bool:
    noun = record.operation.partition(".")[0]
    return (arguments.operation in ("", record.operation, noun)) and (
        not arguments.user
        or (record.who is not None and arguments.user in (_user(record.who), str(record.who.uid)))
    )


def _row(record: Record) -> AuditRow:
    who = record.who
    return AuditRow(
        seq=record.seq, time=record.time, event=record.event.value, operation=record.operation,
        user=_user(who), place=who.place if who else "",
        program=(who.unit or who.program) if who else "", result=record.result, message=record.message,
        job=record.job, arguments=json.dumps(record.arguments) if record.arguments else "",
    )  # fmt: skip


def _user(who: Who | None) -> str:
    if who is None:
        return ""
    return (who.user or str(who.uid)) if who.is_known else _NOBODY
