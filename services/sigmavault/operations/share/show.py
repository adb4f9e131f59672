"""`share.show`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.names import ShareName
from sigmavault.core.operation import Arguments, Machine, Positional, Read
from sigmavault.operations.share.answers import ShareDetails
from sigmavault.operations.share.changing import show


class ShowArguments(Arguments):
    """Which share."""

    name: Annotated[ShareName, Positional()] = Field(description="the share", examples=["photos"])


class ShowShare(Read[ShowArguments, ShareDetails]):
    """All about a share."""

    name = "share.show"
    summary = "Show how a share is given, and to whom"
    examples = ("share show photos",)

    def read(self, arguments: ShowArguments, machine: Machine) -> ShareDetails:
        """Read the truth, and what is mounted; no program is started."""
        return show(machine, arguments.name)
