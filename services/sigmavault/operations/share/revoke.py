"""`share.revoke`."""

from __future__ import annotations

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Machine, Risk
from sigmavault.core.sharing.share import Guest, Shares
from sigmavault.operations.share.answers import ShareDetails
from sigmavault.operations.share.changing import Intent
from sigmavault.operations.share.editing import PeopleArguments, ShareEdit, smb_of


class RevokeShare(ShareEdit[PeopleArguments, ShareDetails]):
    """Take the right to a share away."""

    name = "share.revoke"
    summary = "Take the right to a share away from users or groups"
    risk = Risk.CHANGE
    examples = ("share revoke photos @family",)

    def intend(self, arguments: PeopleArguments, machine: Machine, now: Shares) -> Intent:
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
