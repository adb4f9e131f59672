"""`share.revoke`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import OperationError
from sigmavault.core.names import ShareName
from sigmavault.core.operation import Arguments, Machine, Positional, Risk
from sigmavault.core.sharing.share import Guest, Principal, Shares
from sigmavault.operations.share.answers import ShareDetails
from sigmavault.operations.share.changing import Intent, ShareChange, show
from sigmavault.operations.share.grant import smb_of


class RevokeArguments(Arguments):
    """Who loses the right."""

    name: Annotated[ShareName, Positional()] = Field(description="the share", examples=["photos"])
    who: Annotated[tuple[Principal, ...], Positional()] = Field(
        description="users, or @ and a group", examples=[["anna"], ["@family"]], min_length=1
    )


class RevokeShare(ShareChange[RevokeArguments, ShareDetails]):
    """Take the right to a share away."""

    name = "share.revoke"
    summary = "Take the right to a share away from users or groups"
    risk = Risk.CHANGE
    examples = ("share revoke photos @family",)

    def intend(self, arguments: RevokeArguments, machine: Machine, now: Shares) -> Intent:
        """Without them; a share that nobody is left for is not available."""
        share, smb = smb_of(now, arguments.name)
        has = {*smb.read, *smb.write}
        if strangers := [each for each in arguments.who if each not in has]:
            raise OperationError(f"{strangers[0]} has no right to {share.name}")
        read, write = (tuple(x for x in names if x not in arguments.who) for names in (smb.read, smb.write))
        warnings = ["Those who are connected are disconnected at once."]
        if smb.guest is not Guest.NOTHING:
            warnings.append(f"{share.name} is open to guests: they can still {smb.guest} it.")
        return Intent(
            share=share.model_copy(update={"smb": smb.model_copy(update={"read": read, "write": write})}),
            was=share, loses_rights=True, warnings=tuple(warnings),
            summary=f"Take the right to {share.name} away from {', '.join(dict.fromkeys(arguments.who))}",
        )  # fmt: skip

    def answer(self, arguments: RevokeArguments, machine: Machine) -> ShareDetails:
        """How the share is now."""
        return show(machine, arguments.name)
