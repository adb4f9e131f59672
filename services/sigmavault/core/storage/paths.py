"""Paths inside a dataset, as people give them: relative, and without a way out. Pure.

What they lead to is not known here: `system.beneath` walks them without following a link.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

_LONGEST_NAME: Final = 255
"""Bytes; the limit of ZFS."""
_SNAPSHOTS: Final = ".zfs"


def parts(path: str) -> tuple[str, ...]:
    """The names of a path, from the top; none for the top itself.

    Raises:
        ValueError: the path leads out of its dataset, or can be none.
    """
    if path == "":
        return ()
    if path.startswith("/"):
        raise ValueError("must be relative to the dataset, without a leading `/`")
    names = tuple(path.removesuffix("/").split("/"))
    for name in names:
        if name in {"", ".", ".."}:
            raise ValueError("must not have an empty part, `.` or `..`")
        if "\0" in name or len(name.encode(errors="surrogatepass")) > _LONGEST_NAME:
            raise ValueError(f"must have parts of at most {_LONGEST_NAME} bytes, without zeros")
    if names[0].lower() == _SNAPSHOTS:
        raise ValueError("must not lead into .zfs")
    return names


def _checked(path: str) -> str:
    parts(path)
    return path


FolderPath = Annotated[str, Field(max_length=4000), AfterValidator(_checked)]
"""A folder in a dataset; empty for its top."""
FilePath = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_checked)]
"""A file or a folder in a dataset."""


def beside(name: str, tag: str) -> str:
    """The name under which an old version is put beside the present one: `plan (restored monday).odt`."""
    stem, dot, ending = name.rpartition(".")
    if not stem or " " in ending or len(ending) > 12:
        stem, dot, ending = name, "", ""
    end = f" (restored {tag}){dot}{ending}"
    room = _LONGEST_NAME - len(end.encode())
    kept = stem.encode()[:room].decode(errors="ignore")
    return f"{kept}{end}"
