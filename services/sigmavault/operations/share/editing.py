"""What changes of a share have in common that end with the share as it is then."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import OperationError
from sigmavault.core.names import ShareName
from sigmavault.core.operation import Arguments, Machine, Positional
from sigmavault.core.sharing.share import HostName, Nfs, Principal, Share, Shares, Smb
from sigmavault.operations.share.answers import ShareDetails
from sigmavault.operations.share.changing import ShareChange, existing, show


class ShareArguments(Arguments):
    """Which share."""

    name: Annotated[ShareName, Positional()] = Field(description="the share", examples=["photos"])


class PeopleArguments(ShareArguments):
    """Which share, and who."""

    who: Annotated[tuple[Principal, ...], Positional()] = Field(
        description="users, or @ and a group", examples=[["anna"], ["@family"]], min_length=1
    )


class HostArguments(ShareArguments):
    """Which share, and which machines."""

    host: Annotated[tuple[HostName, ...], Positional()] = Field(
        description="addresses, subnets or names", examples=[["192.168.1.0/24"]], min_length=1
    )


class ShareEdit[A: ShareArguments, V: ShareDetails](ShareChange[A, V]):
    """A change after which there is the share."""

    def answer(self, arguments: A, machine: Machine) -> V:
        """How the share is now."""
        return show(machine, arguments.name)  # type: ignore[return-value]


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


def nfs_of(now: Shares, name: str) -> tuple[Share, Nfs]:
    """A share with its NFS part.

    Raises:
        UnknownObjectError: there is no such share.
        OperationError: it is not shared over NFS.
    """
    share = existing(now, name)
    if share.nfs is None:
        raise OperationError(
            f"{share.name} is shared over SMB alone, which knows users, not machines",
            hint=f"`sigmavault share set {share.name} --protocol both --host …` adds NFS",
        )
    return share, share.nfs
