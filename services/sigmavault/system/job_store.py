"""The jobs of the host daemon on disk: `/var/lib/sigmavault/hostd/jobs/ID.json`, each written whole."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from sigmavault.core.errors import UnknownObjectError
from sigmavault.core.jobs import ID, JobRecord
from sigmavault.system.files import write_durably

FOLDER: Final = Path("var/lib/sigmavault/hostd/jobs")
MOST: Final = 200
"""Jobs that are kept after they ended."""


def write(root: Path, record: JobRecord) -> None:
    """Keep a job; on return it outlives a power cut.

    Raises:
        OSError: it cannot be written.
    """
    folder = root / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(folder / f"{record.id}.json", record.model_dump_json())


def read(root: Path, job: str) -> JobRecord:
    """One job.

    Raises:
        UnknownObjectError: there is none of this id, or it cannot be read.
    """
    if not ID.fullmatch(job):
        raise UnknownObjectError(f"{job[:60]!r} is no id of a job", "`job list` shows them")
    try:
        return JobRecord.model_validate_json((root / FOLDER / f"{job}.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UnknownObjectError(f"there is no job {job}", "`job list` shows them") from error


def everything(root: Path) -> tuple[JobRecord, ...]:
    """All jobs that can be read, the newest first."""
    found = []
    for path in sorted((root / FOLDER).glob("*.json"), reverse=True):
        with contextlib.suppress(UnknownObjectError):  # unknown format of another version: nothing to tell
            found.append(read(root, path.stem))
    return tuple(found)


def forget(root: Path, job: str) -> None:
    """Remove a job that did not begin."""
    (root / FOLDER / f"{job}.json").unlink(missing_ok=True)


def prune(root: Path) -> None:
    """Remove the oldest jobs that ended, beyond `MOST`."""
    for record in [each for each in everything(root) if each.is_over][MOST:]:
        forget(root, record.id)
