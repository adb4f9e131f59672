"""`share.grant`."""

from __future__ import annotations

from pydantic import Field

from sigmavault.core.operation import Machine, Risk
from sigmavault.core.sharing.share import Shares
from sigmavault.operations.share.answers import ShareDetails
from sigmavault.operations.share.changing import Intent
from sigmavault.operations.share.editing import PeopleArguments, ShareEdit, smb_of
from sigmavault.operations.share.options import Access, check_principals


class GrantArguments(PeopleArguments):
    """Who gets which right."""

    right: Access = Field(Access.WRITE, description="what they may do")


class GrantShare(ShareEdit[GrantArguments, ShareDetails]):
    """Let somebody use a share over SMB."""

    name = "share.grant"
    summary = "Let users or groups read a share, or write to it"
    risk = Risk.CHANGE
    examples = ("share grant photos anna", "share grant photos @family --right read")

    def intend(self, arguments: GrantArguments, machine: Machine, now: Shares) -> Intent:
        """The right, in the place of the one that they had."""
        share, smb = smb_of(now, arguments.name)
        check_principals(arguments.who, machine)
        read, write = (tuple(x for x in names if x not in arguments.who) for names in (smb.read, smb.write))
        who = tuple(dict.fromkeys(arguments.who))
        if arguments.right is Access.WRITE:
            write = (*write, *who)
        else:
            read = (*read, *who)
        fewer = bool(set(smb.write) - set(write))
        return Intent(
            share=share.model_copy(update={"smb": smb.model_copy(update={"read": read, "write": write})}),
            was=share, loses_rights=fewer,
            summary=f"Let {', '.join(who)} {arguments.right} {share.name}",
        )  # fmt: skip
