"""`share.set`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.operation import Bytes, Machine, Risk
from sigmavault.core.sharing.share import Comment, Encryption, Guest, HostName, Nfs, Share, Shares, Smb
from sigmavault.operations.share.answers import ShareDetails
from sigmavault.operations.share.changing import Intent, existing
from sigmavault.operations.share.editing import ShareArguments, ShareEdit
from sigmavault.operations.share.options import (
    Access,
    NfsUsers,
    Protocol,
    Switch,
    check_nfs,
    resolved,
    with_users,
)
from sigmavault.operations.share.parts import valid
from sigmavault.system import zfs


class SetArguments(ShareArguments):
    """What becomes different; the rest stays."""

    protocol: Protocol | None = Field(None, description="how it is reached")
    guest: Guest | None = Field(None, description="what people without a password may do")
    previous_versions: Switch | None = Field(None, description="snapshots show as Previous Versions")
    time_machine: Switch | None = Field(None, description="Macs may back up here")
    time_machine_size: Bytes | None = Field(
        None,
        description="how large all these backups may get; 0: no limit of its own",
        examples=[500_000_000_000],
    )
    encryption: Encryption | None = Field(None, description="whether the wire has to be encrypted")
    hidden: Switch | None = Field(None, description="it is not listed")
    comment: Comment | None = Field(
        None, description="what people see beside its name", examples=["Our pictures"]
    )
    host: tuple[HostName, ...] = Field(
        (),
        description="with --protocol: who may mount it over NFS from now on",
        examples=[["192.168.1.0/24"]],
    )
    nfs_access: Access | None = Field(None, description="what may be done over NFS")
    nfs_users: NfsUsers | None = Field(
        None, description="own, root or the user that all are over NFS", examples=["anna"]
    )


class SetShare(ShareEdit[SetArguments, ShareDetails]):
    """Change how a share is given."""

    name = "share.set"
    summary = "Change how a share is given: protocol, guests, encryption, Previous Versions, Time Machine"
    risk = Risk.CHANGE
    examples = ("share set photos --encryption required", "share set photos --guest read --hidden off")

    def intend(self, arguments: SetArguments, machine: Machine, now: Shares) -> Intent:
        """The share with what was given."""
        was = existing(now, arguments.name)
        protocol = arguments.protocol or _protocol(was)
        share = valid(lambda: Share(
            name=was.name, dataset=was.dataset, guid=was.guid, folder=was.folder,
            smb=_smb(was.smb or Smb(), arguments) if protocol.has_smb else None,
            nfs=_nfs(was, arguments, machine) if protocol.has_nfs else None,
        ))  # fmt: skip
        _check_heard(arguments, protocol)
        told: tuple[str, ...] = ()
        if share.smb is not None and share.smb.guest is not Guest.NOTHING and arguments.guest is not None:
            told = ("Everybody in the network gets in without a password, unsigned and unencrypted.",)
        return Intent(
            share=share, was=was, summary=f"Change the share {was.name}", warnings=told, loses_rights=True
        )


def _protocol(share: Share) -> Protocol:
    if share.smb is not None and share.nfs is not None:
        return Protocol.BOTH
    return Protocol.SMB if share.smb is not None else Protocol.NFS


_OF_SMB = (
    "guest",
    "previous_versions",
    "time_machine",
    "time_machine_size",
    "encryption",
    "hidden",
    "comment",
)
_OF_NFS = ("nfs_access", "nfs_users")


def _check_heard(arguments: SetArguments, protocol: Protocol) -> None:
    """Nothing that was given is left unheard."""
    unheard = [] if protocol.has_smb else [x for x in _OF_SMB if getattr(arguments, x) is not None]
    if not protocol.has_nfs:
        unheard += [each for each in _OF_NFS if getattr(arguments, each) is not None]
        unheard += ["host"] if arguments.host else []
    if unheard:
        raise InvalidRequestError(
            f"{unheard[0]} means nothing for a share over {protocol} alone", param=unheard[0]
        )
    given = arguments.model_dump(exclude_none=True, exclude={"name"})
    if not any(value != () for value in given.values()):
        raise InvalidRequestError("nothing was said that should be different")


def _smb(was: Smb, arguments: SetArguments) -> Smb:
    given: dict[str, Any] = {
        "guest": arguments.guest, "encryption": arguments.encryption, "comment": arguments.comment,
        "previous_versions": _bool(arguments.previous_versions), "hidden": _bool(arguments.hidden),
        "time_machine": _bool(arguments.time_machine),
    }  # fmt: skip
    changes = {key: value for key, value in given.items() if value is not None}
    if arguments.time_machine is Switch.OFF:
        changes["time_machine_bytes"] = None
    if arguments.time_machine_size is not None:
        changes["time_machine_bytes"] = arguments.time_machine_size or None
    return Smb.model_validate({**was.model_dump(), **changes})


def _bool(switch: Switch | None) -> bool | None:
    return None if switch is None else switch is Switch.ON


def _nfs(was: Share, arguments: SetArguments, machine: Machine) -> Nfs:
    part = was.nfs
    if part is None:
        check_nfs(zfs.properties(machine, was.dataset), machine)
        part = Nfs()
    if arguments.host:
        part = part.model_copy(update={"hosts": resolved(arguments.host, machine)})
    if arguments.nfs_access is not None:
        part = part.model_copy(update={"read_only": arguments.nfs_access is Access.READ})
    return part if arguments.nfs_users is None else with_users(part, arguments.nfs_users, machine)
