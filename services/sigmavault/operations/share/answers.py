"""What operations on shares answer."""

from __future__ import annotations

from typing import Annotated

from sigmavault.core.operation import Unit, Value
from sigmavault.core.sharing import exports
from sigmavault.core.sharing.place import Place
from sigmavault.core.sharing.share import Encryption, Guest


class ShareRow(Value):
    """A share in a list.

    Attributes:
        name: how people call it.
        protocols: `smb`, `nfs` or `smb nfs`.
        dataset: where its files are.
        path: its folder on this machine; empty while the dataset is not mounted.
        available: whether it is served right now.
        reason: why it is not; empty when it is.
    """

    name: str
    protocols: str
    dataset: str
    path: str
    available: bool
    reason: str


class SmbDetails(Value):
    """How a share is given over SMB; see `core.sharing.share.Smb`."""

    available: bool
    reason: str
    read: tuple[str, ...]
    write: tuple[str, ...]
    guest: Guest
    previous_versions: bool
    time_machine: bool
    time_machine_size: Annotated[int, Unit("bytes")] | None
    encryption: Encryption
    hidden: bool
    comment: str


class NfsDetails(Value):
    """How a share is given over NFS; see `core.sharing.share.Nfs`.

    Attributes:
        hosts: as a person wrote them.
        addresses: what they are for the server.
        users: `own`, `root`, or the user that everybody is taken for.
    """

    available: bool
    reason: str
    hosts: tuple[str, ...]
    addresses: tuple[str, ...]
    access: str
    users: str


class ShareDetails(ShareRow):
    """All about a share.

    Attributes:
        folder: inside the dataset; empty for all of it.
        guid: identity of the dataset.
        smb: None when it is not shared so.
        nfs: None when it is not shared so.
    """

    folder: str
    guid: str
    smb: SmbDetails | None
    nfs: NfsDetails | None


class ShareGone(Value):
    """A share that is no more.

    Attributes:
        name: how it was called.
        path: where its files still are; empty when the dataset is not mounted.
    """

    name: str
    path: str


def row(place: Place) -> ShareRow:
    """A share in a list."""
    return ShareRow.model_validate(_row(place))


def _row(place: Place) -> dict[str, object]:
    share = place.share
    kinds = {"smb": (share.smb, place.smb_reason), "nfs": (share.nfs, place.nfs_reason)}
    reasons = [reason for part, reason in kinds.values() if part is not None]
    return {
        "name": share.name,
        "protocols": " ".join(kind for kind, (part, _) in kinds.items() if part is not None),
        "dataset": share.dataset, "path": place.path, "available": not all(reasons),
        "reason": "; ".join(dict.fromkeys(reason for reason in reasons if reason)),
    }  # fmt: skip


def details(place: Place) -> ShareDetails:
    """All about a share."""
    return ShareDetails.model_validate({
        **_row(place), "folder": place.share.folder, "guid": place.share.guid,
        "smb": _smb(place), "nfs": _nfs(place),
    })  # fmt: skip


def _smb(place: Place) -> SmbDetails | None:
    if (smb := place.share.smb) is None:
        return None
    reason = place.smb_reason
    return SmbDetails(
        available=not reason, reason=reason, read=smb.read, write=smb.write, guest=smb.guest,
        previous_versions=smb.previous_versions, time_machine=smb.time_machine,
        time_machine_size=smb.time_machine_bytes, encryption=smb.encryption, hidden=smb.hidden,
        comment=smb.comment,
    )  # fmt: skip


def _nfs(place: Place) -> NfsDetails | None:
    if (nfs := place.share.nfs) is None:
        return None
    reason = place.nfs_reason
    return NfsDetails(
        available=not reason, reason=reason, hosts=tuple(each.asked for each in nfs.hosts),
        addresses=tuple(exports.addresses(nfs)), access="read" if nfs.read_only else "write",
        users=nfs.map_all.name if nfs.map_all is not None else "root" if nfs.map_root else "own",
    )  # fmt: skip
