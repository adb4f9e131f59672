"""Arguments that several operations on shares have, and what they mean for a share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator

from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.operation import Machine
from sigmavault.core.sharing.share import MappedUser, Nfs, NfsHost
from sigmavault.core.storage.datasets import Dataset
from sigmavault.system import accounts, mounts, nfs

OWN: Final = "own"
ROOT: Final = "root"
_LONGEST: Final = 31


class Protocol(StrEnum):
    """How a share is reached."""

    SMB = "smb"
    """Windows, Mac and Linux, with users and passwords."""
    NFS = "nfs"
    """Machines that are named; who uses them is not checked."""
    BOTH = "both"

    @property
    def has_smb(self) -> bool:
        """Whether SMB is among them."""
        return self is not Protocol.NFS

    @property
    def has_nfs(self) -> bool:
        """Whether NFS is among them."""
        return self is not Protocol.SMB


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"

    def __bool__(self) -> bool:
        """Whether it is on."""
        return self is Switch.ON


class Access(StrEnum):
    """What may be done with files."""

    READ = "read"
    WRITE = "write"


def _users(name: str) -> str:
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum() or name != name.lower():
        raise ValueError("must be `own`, `root` or the name of a user")
    if len(name) > _LONGEST or not name[0].isalpha():
        raise ValueError("must be `own`, `root` or the name of a user")
    return name


NfsUsers = Annotated[str, AfterValidator(_users)]
"""`own`: users are who their machine says, its root is nobody. `root`: root is root too. Or one user."""


def with_users(part: Nfs, users: str, machine: Machine) -> Nfs:
    """An NFS share with what `NfsUsers` says.

    Raises:
        OperationError: there is no such user of the NAS.
    """
    if users in {OWN, ROOT}:
        return part.model_copy(update={"map_all": None, "map_root": users == ROOT})
    user = accounts.accounts(machine).user(users)
    mapped = MappedUser(name=user.name, uid=user.uid, gid=user.gid)
    return part.model_copy(update={"map_all": mapped, "map_root": False})


def resolved(hosts: tuple[str, ...], machine: Machine) -> tuple[NfsHost, ...]:
    """The hosts as networks, each once.

    Raises:
        InvalidRequestError: a name is not known.
    """
    return tuple({each: nfs.resolve(machine, each) for each in hosts}.values())


def check_principals(names: tuple[str, ...], machine: Machine) -> None:
    """Each of them can be given a right.

    Raises:
        OperationError: there is no such user or group, or it belongs to the system.
    """
    if names:
        known = accounts.accounts(machine)
        for name in names:
            known.check_principal(name)


def check_nfs(dataset: Dataset, machine: Machine) -> None:
    """The machine can export this dataset.

    Raises:
        InvalidRequestError: it cannot.
    """
    if mounts.root_kind(machine) == "overlay":
        raise InvalidRequestError(
            "the live system cannot share by NFS: its own root lies in memory and cannot be exported",
            param="protocol", hint="share by SMB, or install the system",
        )  # fmt: skip
    if (shared := dataset.text("sharenfs")) not in {"", "off"}:
        raise InvalidRequestError(
            f"ZFS itself exports {dataset.name} (sharenfs={shared})", param="dataset",
            hint=f"zfs set sharenfs=off {dataset.name}",
        )  # fmt: skip
