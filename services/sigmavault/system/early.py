"""What is done at boot before the host daemon runs, kept for its audit: lines of JSON.

Only root gets into the folder (`RuntimeDirectory=` of `sigmavault-keys.service`). The audit has one writer,
and early at boot its place may not be there yet.
"""

from __future__ import annotations

import logging
import os
import pwd
import sys
from pathlib import Path
from typing import Any, Final

from sigmavault.core.audit import Event, Facts, Who
from sigmavault.core.errors import AuditError
from sigmavault.core.operation import Machine
from sigmavault.system.cgroups import unit_in
from sigmavault.system.files import read_or_empty

FILE: Final = Path("run/sigmavault-keys/audit.jsonl")

_log = logging.getLogger(__name__)


def tell(machine: Machine, operation: str, arguments: dict[str, Any], result: str, message: str) -> None:
    """Keep what this process did, as the record of an operation.

    Raises:
        AuditError: it cannot be written.
    """
    facts = Facts(
        event=Event.EARLY, who=_myself(), operation=operation, arguments=arguments, result=result,
        message=message,
    ).shortened()  # fmt: skip
    file = machine.root / FILE
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(file, flags, 0o600), "a", encoding="utf-8") as stream:
            stream.write(facts.model_dump_json() + "\n")
    except OSError as error:
        raise AuditError(f"/{FILE} cannot be written: {error.strerror}") from error


def told(root: Path) -> tuple[Facts, ...]:
    """What is kept below a root; a line that was not written whole is left out, and the journal says so."""
    found = []
    for line in read_or_empty(root / FILE).splitlines():
        try:
            found.append(Facts.parsed(line))
        except AuditError:
            _log.warning("a line of /%s is no record", FILE)
    return tuple(found)


def forget(root: Path) -> None:
    """The audit has it."""
    (root / FILE).unlink(missing_ok=True)


def _myself() -> Who:
    uid = os.getuid()
    return Who(
        name="", uid=uid, user=pwd.getpwuid(uid).pw_name, pid=os.getpid(), program=sys.argv[0],
        unit=unit_in(read_or_empty(Path("/proc/self/cgroup"))),
    )  # fmt: skip
