"""`share.delete`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.names import ShareName
from sigmavault.core.operation import Arguments, Machine, NoAnswer, Positional, Risk
from sigmavault.core.sharing.share import Shares
from sigmavault.operations.share.changing import Intent, ShareChange, existing


class DeleteArguments(Arguments):
    """Which share."""

    name: Annotated[ShareName, Positional()] = Field(description="the share", examples=["photos"])


class DeleteShare(ShareChange[DeleteArguments, NoAnswer]):
    """End a share; its files stay."""

    name = "share.delete"
    summary = "Stop sharing a folder; its files stay where they are"
    risk = Risk.CHANGE
    examples = ("share delete photos",)

    def intend(self, arguments: DeleteArguments, machine: Machine, now: Shares) -> Intent:
        """No such share any more."""
        share = existing(now, arguments.name)
        return Intent(
            share=None, was=share, loses_rights=True,
            summary=f"Stop sharing {share.name}; the files in {share.dataset} stay",
            warnings=("People who use it are disconnected; files that they have open may not be saved.",),
        )  # fmt: skip
