"""`share.delete`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, NoAnswer, Risk
from sigmavault.core.sharing.share import Shares
from sigmavault.operations.share.changing import Intent, ShareChange, existing
from sigmavault.operations.share.editing import ShareArguments


class DeleteShare(ShareChange[ShareArguments, NoAnswer]):
    """End a share; its files stay."""

    name = "share.delete"
    summary = "Stop sharing a folder; its files stay where they are"
    risk = Risk.CHANGE
    examples = ("share delete photos",)

    def intend(self, arguments: ShareArguments, machine: Machine, now: Shares) -> Intent:
        """No such share any more."""
        share = existing(now, arguments.name)
        return Intent(
            share=None, was=share, loses_rights=True,
            summary=f"Stop sharing {share.name}; the files in {share.dataset} stay",
            warnings=("People who use it are disconnected; files that they have open may not be saved.",),
        )  # fmt: skip
