"""`share.add-host`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, Risk
from sigmavault.core.sharing.share import Shares
from sigmavault.operations.share.answers import ShareDetails
from sigmavault.operations.share.changing import Intent
from sigmavault.operations.share.editing import HostArguments, ShareEdit, nfs_of
from sigmavault.operations.share.options import resolved


class AddHost(ShareEdit[HostArguments, ShareDetails]):
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
