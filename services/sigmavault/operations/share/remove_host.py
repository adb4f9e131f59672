"""`share.remove-host`."""

from __future__ import annotations

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Machine, Risk
from sigmavault.core.sharing.share import Shares
from sigmavault.operations.share.answers import ShareDetails
from sigmavault.operations.share.changing import Intent
from sigmavault.operations.share.editing import HostArguments, ShareEdit, nfs_of


class RemoveHost(ShareEdit[HostArguments, ShareDetails]):
    """Do not let machines mount a share any more."""

    name = "share.remove-host"
    summary = "Do not let machines mount a share over NFS any more"
    risk = Risk.CHANGE
    examples = ("share remove-host media 192.168.1.0/24",)

    def intend(self, arguments: HostArguments, machine: Machine, now: Shares) -> Intent:
        """Without them; a share that no machine is left for is not available."""
        share, nfs = nfs_of(now, arguments.name)
        known = {each.asked for each in nfs.hosts}
        if strangers := [each for each in arguments.host if each not in known]:
            raise OperationError(f"{strangers[0]} is none of the machines that may mount {share.name}")
        part = nfs.model_copy(update={"hosts": tuple(x for x in nfs.hosts if x.asked not in arguments.host)})
        return Intent(
            share=share.model_copy(update={"nfs": part}), was=share,
            summary=f"Do not let {', '.join(arguments.host)} mount {share.name} any more",
            warnings=("Programs there that use its files get errors.",),
        )  # fmt: skip
