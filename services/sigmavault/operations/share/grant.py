"""`share.grant`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import OperationError
from sigmavault.core.names import ShareName
from sigmavault.core.operation import Arguments, Machine, Positional, Risk
from sigmavault.core.sharing.share import Principal, Share, Shares, Smb
from sigmavault.operations.share.answers import ShareDetails
from sigmavault.operations.share.changing import Intent, ShareChange, existing, show
from sigmavault.operations.share.options import Access, check_principals


class GrantArguments(Arguments):
    """Who gets which right."""

    name: Annotated[ShareName, Positional()] = Field(description="the share", examples=["photos"])
    who: Annotated[tuple[Principal, ...], Positional()] = Field(
        description="users, or @ and a group", examples=[["anna"], ["@family"]], min_length=1
    )
    right: Access = Field(Access.WRITE, description="what they may do")


class GrantShare(ShareChange[GrantArguments, ShareDetails]):
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

    def answer(self, arguments: GrantArguments, machine: Machine) -> ShareDetails:
        """How the share is now."""
        return show(machine, arguments.name)


def smb_of(now: Shares, name: str) -> tuple[Share, Smb]:
    """A share with its SMB part.

    Raises:
        UnknownObjectError: there is no such share.
        OperationError: it is not shared over SMB.
    """
    share = existing(now, name)
    if share.smb is None:
        raise OperationError(
            f"{share.name} is shared over NFS alone, which knows machines, not users",
            hint=f"`sigmavault share set {share.name} --protocol both` adds SMB",
        )
    return share, share.smb
