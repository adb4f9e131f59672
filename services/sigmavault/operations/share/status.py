"""`share.status`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.core.sharing.clients import NfsClient, SmbClient
from sigmavault.system import nfs, samba


class ShareUse(Value):
    """Who is connected.

    Attributes:
        smb: who uses which share over SMB.
        nfs: which machines have mounted something over NFS; NFS does not tell which share.
    """

    smb: tuple[SmbClient, ...]
    nfs: tuple[NfsClient, ...]


class ShareStatus(Read[NoArguments, ShareUse]):
    """Who uses the shares."""

    name = "share.status"
    summary = "Show who is connected to the shares"
    examples = ("share status",)
    private = True

    def read(self, arguments: NoArguments, machine: Machine) -> ShareUse:
        """Ask Samba, and read the NFS server's table."""
        return ShareUse(smb=samba.clients(machine), nfs=nfs.clients(machine))
