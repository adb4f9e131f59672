"""`snapshot.browse`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.names import SnapshotName
from sigmavault.core.operation import Arguments, Bytes, Machine, Positional, Read, Value
from sigmavault.core.storage.paths import FolderPath, parts
from sigmavault.core.storage.snapshots import iso
from sigmavault.operations.snapshot.rows import places
from sigmavault.system import beneath, zfs
from sigmavault.system.beneath import Entry, EntryKind

_MOST = 5000


class BrowseArguments(Arguments):
    """Where to look."""

    snapshot: Annotated[SnapshotName, Positional()] = Field(
        description="the snapshot", examples=["tank/photos@monday"]
    )
    folder: Annotated[FolderPath, Positional()] = Field(
        default="", description="a folder in it; its top when left out", examples=["2026/Summer"]
    )


class EntryRow(Value):
    """Something in a folder.

    Attributes:
        name: its name.
        is_exact: false when the name holds bytes that are no text, and are shown by their codes.
        kind: file, folder, link, or other (a device, a socket, a pipe).
        size_bytes: of a file; null for all else.
        modified: when it was changed last, ISO 8601.
    """

    name: str
    is_exact: bool
    kind: EntryKind
    size_bytes: Bytes | None
    modified: str


class Folder(Value):
    """A folder of a snapshot.

    Attributes:
        entries: by name.
        left_out: how many more there are.
    """

    entries: tuple[EntryRow, ...]
    left_out: int


class BrowseSnapshot(Read[BrowseArguments, Folder]):
    """What files looked like."""

    name = "snapshot.browse"
    summary = "List a folder as it was when a snapshot was taken"
    examples = ("snapshot browse tank/photos@monday", "snapshot browse tank/photos@monday 2026/Summer")
    # it sees with the eyes of root: also what the caller could not
    private = True

    def read(self, arguments: BrowseArguments, machine: Machine) -> Folder:
        """Go down without following a link."""
        snapshot = zfs.snapshot(machine, arguments.snapshot)
        _, _, top = places(machine, snapshot)
        with beneath.folder(top, parts(arguments.folder)) as inside:
            found, left_out = beneath.entries(inside, _MOST)
        return Folder(entries=tuple(map(_row, found)), left_out=left_out)


def _row(entry: Entry) -> EntryRow:
    return EntryRow(
        name=entry.name, is_exact=entry.is_exact, kind=entry.kind, modified=iso(entry.modified_at),
        size_bytes=entry.size_bytes if entry.kind is EntryKind.FILE else None,
    )  # fmt: skip
