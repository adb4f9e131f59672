"""Which dataset in the trash is meant."""

from __future__ import annotations

from collections.abc import Sequence

from sigmavault.core.errors import InvalidRequestError, UnknownObjectError
from sigmavault.core.storage import trash
from sigmavault.core.storage.datasets import Dataset
from sigmavault.core.storage.trash import Thrown


def find(everything: Sequence[Dataset], name: str) -> Thrown:
    """The one in the trash that had this name, or is listed as this entry.

    Raises:
        UnknownObjectError: there is none.
        InvalidRequestError: there are several.
    """
    found = [each for each in trash.thrown(everything) if name in {each.origin, each.entry}]
    if not found:
        raise UnknownObjectError(f"there is no {name} in the trash", hint="see `sigmavault dataset trash`")
    if len(found) > 1:
        entries = ", ".join(each.entry for each in found)
        raise InvalidRequestError(f"name: {name} was thrown away more than once: {entries}", param="name")
    return found[0]
