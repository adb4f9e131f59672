"""`share.show`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, Read
from sigmavault.operations.share.answers import ShareDetails
from sigmavault.operations.share.changing import show
from sigmavault.operations.share.editing import ShareArguments


class ShowShare(Read[ShareArguments, ShareDetails]):
    """All about a share."""

    name = "share.show"
    summary = "Show how a share is given, and to whom"
    examples = ("share show photos",)

    def read(self, arguments: ShareArguments, machine: Machine) -> ShareDetails:
        """Read the truth, and what is mounted; no program is started."""
        return show(machine, arguments.name)
