"""What there is: a thing is a folder with numbered parts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from sigmavault.core.errors import UnknownObjectError
from sigmavault.core.operation import Arguments, Machine, Positional

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]


class ThingArguments(Arguments):
    """One thing."""

    name: Annotated[Name, Positional()] = Field(description="name of the thing", examples=["lamp"])


def folder(machine: Machine) -> Path:
    return machine.root / "things"


def parts(machine: Machine, name: str) -> int:
    """How many parts a thing has.

    Raises:
        UnknownObjectError: there is no such thing.
    """
    place = folder(machine) / name
    if not place.is_dir():
        raise UnknownObjectError(f"there is no thing {name!r}", "`thing list` shows them")
    return len(list(place.glob("part-*")))
