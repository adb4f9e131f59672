"""Where the folder of a share is, and why it must not be served. Pure.

A share whose dataset is not mounted has no place. It is *unavailable*: what is left of the mount point would
show as an empty folder, and a client that keeps a copy would delete it all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sigmavault.core.sharing.share import Share, is_plain_path
from sigmavault.core.storage.datasets import SYSTEM_PLACES

NOBODY: Final = "nobody has a right to it yet"
NO_HOSTS: Final = "no machine may mount it yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a share is.

    Attributes:
        share: the share.
        mountpoint: where its dataset is mounted; empty when it is not, or where nothing may be shared.
        path: its folder; empty with `mountpoint`.
        reason: why it is not available, in words; empty when it is.
    """

    share: Share
    mountpoint: str
    path: str
    reason: str

    @property
    def is_available(self) -> bool:
        """Whether it can be served."""
        return not self.reason

    @property
    def smb_reason(self) -> str:
        """Why it is not available over SMB; empty when it is, or is not shared so."""
        is_useless = self.share.smb is not None and not self.share.smb.is_for_somebody
        return self.reason or (NOBODY if is_useless else "")

    @property
    def nfs_reason(self) -> str:
        """Why it is not available over NFS; empty when it is, or is not shared so."""
        nfs = self.share.nfs
        if self.reason or nfs is None:
            return self.reason
        return unexportable(self.mountpoint, self.path) or ("" if nfs.hosts else NO_HOSTS)


def summary(places: Iterable[Place]) -> str:
    """What is served and what is not, in one line: `served: media; not served: photos (REASON)`."""
    served, missing = [], []
    for each in places:
        if each.is_available:
            served.append(each.share.name)
        else:
            missing.append(f"{each.share.name} ({each.reason})")
    parts = (("served", served), ("not served", missing))
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names) or "nothing is shared"


def place_of(share: Share, mounts: Mapping[str, str], faults: Mapping[str, str]) -> Place:
    """Where a share is.

    Args:
        share: the share.
        mounts: dataset → where it is mounted.
        faults: path → what is wrong with the folder there, as the file system was seen.
    """
    mountpoint = mounts.get(share.dataset, "")
    if not mountpoint:
        reason = f"the dataset {share.dataset} is not mounted"
        return Place(share=share, mountpoint="", path="", reason=reason)
    if reason := unservable(mountpoint):
        return Place(share=share, mountpoint="", path="", reason=reason)
    path = folder_path(mountpoint, share.folder)
    return Place(
        share=share, mountpoint=mountpoint, path=path,
        reason=faults.get(path, ""),
    )  # fmt: skip


def folder_path(mountpoint: str, folder: str) -> str:
    """The path of a folder inside a dataset."""
    return f"{mountpoint}/{folder}" if folder else mountpoint


def unservable(mountpoint: str) -> str:
    """Why nothing below a mount point may be shared, in words; empty when it may."""
    if mountpoint == "/":
        return "it is the root of this machine"
    for place in SYSTEM_PLACES:
        if mountpoint == place or mountpoint.startswith(f"{place}/"):
            return f"it is mounted at {mountpoint}, which belongs to the system"
    if not mountpoint.startswith("/") or not is_plain_path(mountpoint[1:]):
        return "it is mounted at a path with signs that cannot be in the configuration of Samba and NFS"
    return ""


def unexportable(mountpoint: str, path: str) -> str:
    """Why a folder cannot be exported by NFS; empty when it can.

    The name of a mount point in the option `mountpoint=` must not have spaces: nfs-utils 2.8 writes it into
    its own table without escaping, and cannot read that again. The bare option has no such trouble.
    """
    if path == mountpoint or not set(mountpoint) & set(" '()"):
        return ""
    return f"NFS can share all of a dataset that is mounted at {mountpoint!r}, and no folder in it"


def overlapping(places: Sequence[Place], path: str) -> tuple[Place, ...]:
    """The shares whose folder lies below a path."""
    return tuple(each for each in places if each.path.startswith(f"{path}/"))
