"""What is known of a file that is being fetched: kept beside it, as `.NAME.part.json`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from sigmavault.core.checking import Checked
from sigmavault.core.manifest import Model

_PREFIX: Final = "."
_SUFFIX: Final = ".part"


def part_name(file: str) -> str:
    """Name of the unfinished file: nobody takes it for a model, and it is on the same file system.

    Raises:
        ValueError: the name would lead elsewhere; the manifest has none such.
    """
    if not file or "/" in file or "\0" in file or file.startswith("."):
        raise ValueError(f"no name for a model file: {file!r}")
    return f"{_PREFIX}{file}{_SUFFIX}"


class PartRecord(Checked):
    """What an unfinished file is to become, and of which source its bytes are.

    Attributes:
        sha256: of the finished file.
        size: of the finished file.
        source: what its bytes came from.
        etag: of the file at that source; empty where it told none.
    """

    schema_: Literal[1] = Field(default=1, alias="schema")
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(gt=0)]
    source: str = ""
    etag: Annotated[str, Field(max_length=300)] = ""

    def is_for(self, model: Model) -> bool:
        """Whether the bytes belong to this very file of the manifest."""
        return (self.sha256, self.size) == (model.sha256, model.size)

    def encode(self) -> str:
        """For the disk."""
        return self.model_dump_json(by_alias=True)


def decode_record(text: str) -> PartRecord | None:
    """What was kept; None where it cannot be read: then the bytes are worth nothing."""
    try:
        return PartRecord.model_validate_json(text)
    except ValidationError:
        return None
