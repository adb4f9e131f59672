"""`share.add-host`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import OperationError
from sigmavault.core.names import ShareName
from sigmavault.core.operation import Arguments, Machine, Positional, Risk
from sigmavault.core.sharing.share import HostName, Nfs, Share, Shares
from sigmavault.operations.share.answers import ShareDetails
from sigmavault.operations.share.changing import Intent, ShareChange, existing, show
from sigmavault.operations.share.options import resolved


class HostArguments(Arguments):
    """Which machines."""

    name: Annotated[ShareName, Positional()] = Field(description="the share", examples=["media"])
    host: Annotated[tuple[HostName, ...], Positional()] = Field(
        description="addresses, subnets or names", examples=[["192.168.1.0/24"]], min_length=1
    )


class AddHost(ShareChange[HostArguments, ShareDetails]):
    """Let more machines mount a share."""

    name = "share.add-host"
    summary = "Let machines mount a share over NFS"
    risk = Risk.CHANGE
    examples = ("share add-host media 192.168.1.0/24",)

    def intend(self, arguments: HostArguments, machine: Machine, now: Shares) -> Intent:
        """With them; a name that is there already is resolved anew."""
        share, nfs = nfs_of(now, arguments.name)
        fresh = resolved(arguments.host, machine)
        kept = [each for each in nfs.hosts if each.asked not in {host.asked for host in fresh}]
        part = nfs.model_copy(update={"hosts": (*kept, *fresh)})
        return Intent(
            share=share.model_copy(update={"nfs": part}), was=share,
            summary=f"Let {', '.join(arguments.host)} mount {share.name}",
        )  # fmt: skip

    def answer(self, arguments: HostArguments, machine: Machine) -> ShareDetails:
        """How the share is now."""
        return show(machine, arguments.name)


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
