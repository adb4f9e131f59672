"""`share.create`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import InvalidRequestError, OperationError
from sigmavault.core.names import DatasetName
from sigmavault.core.operation import Bytes, Machine, Positional, Risk
from sigmavault.core.sharing.place import folder_path, unexportable, unservable
from sigmavault.core.sharing.share import (
    Comment,
    Encryption,
    Folder,
    Guest,
    HostName,
    NewShareName,
    Nfs,
    Principal,
    Share,
    Shares,
    Smb,
)
from sigmavault.core.storage.datasets import Dataset, system_pools
from sigmavault.operations.share.answers import ShareDetails
from sigmavault.operations.share.changing import Intent
from sigmavault.operations.share.editing import ShareArguments, ShareEdit
from sigmavault.operations.share.options import (
    OWN,
    Access,
    NfsUsers,
    Protocol,
    Switch,
    check_nfs,
    check_principals,
    resolved,
    with_users,
)
from sigmavault.operations.share.parts import valid
from sigmavault.system import mounts, shares, zfs


class CreateArguments(ShareArguments):
    """What is shared, with whom."""

    name: Annotated[NewShareName, Positional()] = Field(description="how people call it", examples=["photos"])
    dataset: Annotated[DatasetName, Positional()] = Field(
        description="the dataset that is shared", examples=["tank/photos"]
    )
    folder: Folder = Field("", description="only this folder inside the dataset", examples=["2026/Summer"])
    protocol: Protocol = Field(Protocol.SMB, description="how it is reached")
    read: tuple[Principal, ...] = Field(
        (), description="may read: a user, or @ and a group", examples=[["@guests"]]
    )
    write: tuple[Principal, ...] = Field(
        (), description="may read and write: a user, or @ and a group", examples=[["anna"]]
    )
    guest: Guest = Field(Guest.NOTHING, description="what people without a password may do")
    previous_versions: Switch = Field(Switch.ON, description="snapshots show as Previous Versions")
    time_machine: Switch = Field(Switch.OFF, description="Macs may back up here")
    time_machine_size: Bytes = Field(
        0,
        description="how large all these backups may get; 0: no limit of its own",
        examples=[500_000_000_000],
    )
    encryption: Encryption = Field(Encryption.OFFERED, description="whether the wire has to be encrypted")
    hidden: Switch = Field(Switch.OFF, description="it is not listed")
    comment: Comment = Field("", description="what people see beside its name", examples=["Our pictures"])
    host: tuple[HostName, ...] = Field(
        (), description="may mount it over NFS: an address, a subnet, a name", examples=[["192.168.1.0/24"]]
    )
    nfs_access: Access = Field(Access.WRITE, description="what may be done over NFS")
    nfs_users: NfsUsers = Field(
        OWN,
        description="over NFS users are who their machine says they are (own), its root is root too (root), "
        "or all are one user of the NAS (its name)",
        examples=["own", "anna"],
    )


class CreateShare(ShareEdit[CreateArguments, ShareDetails]):
    """Make a share."""

    name = "share.create"
    summary = "Share a dataset, or a folder in it, over SMB or NFS"
    risk = Risk.CHANGE
    examples = (
        "share create photos tank/photos --write anna --read @family",
        "share create media tank/media --protocol nfs --host 192.168.1.0/24 --nfs-access read",
    )

    def intend(self, arguments: CreateArguments, machine: Machine, now: Shares) -> Intent:
        """A share that is not there yet, of a dataset that is."""
        if (twin := now.find(arguments.name)) is not None:
            raise OperationError(
                f"there is a share {twin.name} already", hint="`sigmavault share set` changes it"
            )
        _check_asked(arguments)
        dataset = zfs.properties(machine, arguments.dataset)
        mountpoint = mounts.datasets(machine).get(dataset.name, "")
        _check_dataset(dataset, mountpoint, arguments, machine)
        share = valid(lambda: Share(
            name=arguments.name, dataset=dataset.name, guid=dataset.guid, folder=arguments.folder,
            smb=_smb(arguments, machine) if arguments.protocol.has_smb else None,
            nfs=_nfs(arguments, machine, dataset) if arguments.protocol.has_nfs else None,
        ))  # fmt: skip
        where = folder_path(mountpoint, arguments.folder)
        return Intent(
            share=share,
            was=None,
            summary=f"Share {where} as {share.name}",
            warnings=tuple(_warnings(share, arguments, dataset)),
        )


def _check_asked(arguments: CreateArguments) -> None:
    """What was given fits to the protocol, and somebody can use the share."""
    if arguments.protocol.has_smb:
        if not arguments.read and not arguments.write and arguments.guest is Guest.NOTHING:
            raise InvalidRequestError(
                "nobody could use this share: name who may write or read", param="write",
                hint="--write anna, --read @family, or --guest read",
            )  # fmt: skip
    elif arguments.read or arguments.write or arguments.guest is not Guest.NOTHING:
        raise InvalidRequestError("NFS knows machines, not users: give --host", param="protocol")
    if arguments.protocol.has_nfs and not arguments.host:
        raise InvalidRequestError("no machine could mount this share: give --host", param="host")
    if not arguments.protocol.has_nfs and arguments.host:
        raise InvalidRequestError(
            "machines are named for NFS alone: give --protocol nfs or both", param="host"
        )


def _check_dataset(dataset: Dataset, mountpoint: str, arguments: CreateArguments, machine: Machine) -> None:
    if dataset.is_trash:
        raise OperationError(f"{dataset.name} was thrown away", hint="take it out of the trash first")
    if not mountpoint:
        why = "its key is not loaded" if dataset.key_status == "unavailable" else "it is not mounted"
        raise OperationError(f"{dataset.name} cannot be shared: {why}", hint=f"zfs mount {dataset.name}")
    if system_pools((dataset,)) or (reason := unservable(mountpoint)):
        raise OperationError(f"{dataset.name} cannot be shared: {reason or 'this machine starts from it'}")
    if arguments.folder and (fault := shares.folder_fault(machine.root, mountpoint, arguments.folder)):
        raise InvalidRequestError(fault, param="folder")
    path = folder_path(mountpoint, arguments.folder)
    if arguments.protocol.has_nfs and (reason := unexportable(mountpoint, path)):
        raise InvalidRequestError(reason, param="folder")
    needs_acl = arguments.protocol.has_smb or arguments.nfs_users not in {OWN, "root"}
    if needs_acl and dataset.text("acltype") not in {"posix", "posixacl"}:
        raise OperationError(
            f"{dataset.name} has no POSIX ACLs, which hold the rights of a share",
            hint=f"zfs set acltype=posix xattr=sa {dataset.name}",
        )


def _smb(arguments: CreateArguments, machine: Machine) -> Smb:
    check_principals((*arguments.read, *arguments.write), machine)
    return Smb(
        read=arguments.read, write=arguments.write, guest=arguments.guest,
        previous_versions=bool(arguments.previous_versions), time_machine=bool(arguments.time_machine),
        time_machine_bytes=arguments.time_machine_size or None, encryption=arguments.encryption,
        hidden=bool(arguments.hidden), comment=arguments.comment,
    )  # fmt: skip


def _nfs(arguments: CreateArguments, machine: Machine, dataset: Dataset) -> Nfs:
    check_nfs(dataset, machine)
    bare = Nfs(hosts=resolved(arguments.host, machine), read_only=arguments.nfs_access is Access.READ)
    return with_users(bare, arguments.nfs_users, machine)


def _warnings(share: Share, arguments: CreateArguments, dataset: Dataset) -> list[str]:
    told = []
    if share.smb is not None:
        told.append("What is in the folder already keeps its owners and rights.")
        if share.smb.guest is not Guest.NOTHING:
            told.append("Everybody in the network gets in without a password, unsigned and unencrypted.")
        if share.smb.time_machine and share.smb.time_machine_bytes is None and dataset.quota_bytes is None:
            told.append(f"Backups of Macs grow until {dataset.pool} is full: set a size, or a quota.")
    if share.nfs is not None and arguments.nfs_users == OWN:
        told.append("NFS believes the machines about who uses them: share with machines that you trust.")
    if share.nfs is not None and share.nfs.map_root:
        told.append("root of those machines can read, change and own everything in it.")
    return told
