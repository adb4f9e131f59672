"""What is shared, with whom: the truth from which the files of Samba and NFS are made. Pure.

Types are narrow, because values end in smb.conf(5) and exports(5): no `%` (Samba puts variables there), no
line breaks, no backslash (it joins lines), no name that begins with an option.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from sigmavault.core.checking import refusal
from sigmavault.core.names import MEANINGS, DatasetName, ShareName, UserName

_NAME: Final = re.compile(r"@?[a-z][a-z0-9_-]{0,30}", re.ASCII)
_HOST: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*",
    re.ASCII,
)
_PATH_SIGNS: Final = frozenset(" ._-:+@&'()")
_COMMENT_SIGNS: Final = frozenset(" .,:+@&'()_-!?/*")
_RESERVED: Final = frozenset({"global", "homes", "printers", "print", "ipc", "admin"})

LONGEST_COMMENT: Final = 120


def is_plain(text: str, signs: frozenset[str]) -> bool:
    """Whether a text has letters, digits and the given signs only, composed as Unicode has them."""
    composed = unicodedata.normalize("NFC", text) == text
    return composed and all(each.isalnum() or each in signs for each in text)


def is_plain_path(text: str) -> bool:
    """Whether a path can stand in smb.conf(5) and in exports(5) as it is."""
    return all(
        part not in {"", ".", ".."} and part == part.strip() and is_plain(part, _PATH_SIGNS)
        for part in text.split("/")
    )


def _principal(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("must be a user such as `anna`, or a group such as `@family`")
    return name


def _folder(path: str) -> str:
    if path and not is_plain_path(path):
        raise ValueError(
            "must be a folder inside the dataset such as `2026/Summer`: letters, digits, inner spaces and "
            "`._-:+@&'()`, without `.` and `..`, and no `/` first or last"
        )
    return path


def _comment(text: str) -> str:
    if len(text) > LONGEST_COMMENT or text != text.strip() or not is_plain(text, _COMMENT_SIGNS):
        raise ValueError(
            f"must be one line of at most {LONGEST_COMMENT} letters, digits, spaces and `.,:+@&'()_-!?/*`"
        )
    return text


def _share_name(name: str) -> str:
    if name.lower() in _RESERVED:
        raise ValueError("must not be a name that Samba keeps for itself (global, homes, printers, …)")
    return name


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """An address or a subnet.

    Raises:
        ValueError: it is none, or it is everybody.
    """
    found = ipaddress.ip_network(text, strict=False)
    if found.prefixlen == 0:
        raise ValueError("must not be everybody; name the subnet, such as 192.168.1.0/24")
    if found.is_multicast or found.network_address.is_unspecified or "%" in text:
        raise ValueError("must be an address or subnet of machines, such as 192.168.1.0/24")
    return found


def _host(text: str) -> str:
    if _HOST.fullmatch(text) and not text.rpartition(".")[2].isdecimal():
        return text
    try:
        return str(network(text)) if "/" in text else str(network(text).network_address)
    except ValueError as error:
        ours = str(error) if str(error).startswith("must") else ""
        raise ValueError(
            ours or "must be an address, a subnet such as 192.168.1.0/24 or the name of one machine"
        ) from None


def _address(text: str) -> str:
    if str(network(text)) != text:
        raise ValueError("must be a network as ipaddress writes it")
    return text


NewShareName = Annotated[ShareName, AfterValidator(_share_name)]
"""A name for a share that Samba does not keep for itself."""
Principal = Annotated[str, AfterValidator(_principal)]
"""A user, or with `@` a group."""
Folder = Annotated[str, Field(max_length=1000), AfterValidator(_folder)]
"""A folder inside a dataset, without a leading slash; empty for all of it."""
Comment = Annotated[str, AfterValidator(_comment)]
"""What people see beside the name of a share."""
HostName = Annotated[str, Field(max_length=253), AfterValidator(_host)]
"""Machines that may mount: an address, a subnet, or the name of one machine."""
Address = Annotated[str, AfterValidator(_address)]
"""A network, `192.168.1.0/24`; one machine is `192.168.1.7/32`."""


class Guest(StrEnum):
    """What people without a password may do."""

    NOTHING = "nothing"
    READ = "read"
    WRITE = "write"


class Encryption(StrEnum):
    """Whether what goes over the wire is encrypted."""

    OFFERED = "offered"
    """It is, with every client that can; all modern ones can."""
    REQUIRED = "required"
    """A client that cannot is refused."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Smb(_Part):
    """How a share is given to Windows, Mac and Linux machines (smb.conf(5)).

    Attributes:
        read: who may read.
        write: who may read and write; it counts more than `read`.
        guest: what people without a password may do.
        previous_versions: whether snapshots show as Previous Versions.
        time_machine: whether Macs are told that they can back up here.
        time_machine_bytes: how large all backups together may get; None for no limit but the dataset's own.
        encryption: whether the wire is encrypted.
        hidden: it is not listed; who knows its name gets in all the same, with a right to.
        comment: what people see beside its name.
    """

    read: tuple[Principal, ...] = ()
    write: tuple[Principal, ...] = ()
    guest: Guest = Guest.NOTHING
    previous_versions: bool = True
    time_machine: bool = False
    time_machine_bytes: Annotated[int, Field(gt=0, lt=2**63)] | None = None
    encryption: Encryption = Encryption.OFFERED
    hidden: bool = False
    comment: Comment = ""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.guest is not Guest.NOTHING and self.encryption is Encryption.REQUIRED:
            raise ValueError("guests have no key to encrypt with: no guests, or encryption only offered")
        if self.guest is not Guest.NOTHING and self.time_machine:
            raise ValueError("backups of Macs need a user: no guests on a Time Machine share")
        if self.time_machine_bytes is not None and not self.time_machine:
            raise ValueError("a limit for Time Machine needs a Time Machine share")
        return self

    @property
    def is_for_somebody(self) -> bool:
        """Whether anybody may use it at all."""
        return bool(self.read or self.write) or self.guest is not Guest.NOTHING


class NfsHost(_Part):
    """Machines that may mount.

    Attributes:
        asked: as a person wrote it.
        addresses: what that is; a name is resolved when it is saved, never by the NFS server.
    """

    asked: HostName
    addresses: Annotated[tuple[Address, ...], Field(min_length=1)]


class MappedUser(_Part):
    """The user of this machine that all users of the clients are taken for (exports(5), all_squash)."""

    name: UserName
    uid: Annotated[int, Field(ge=1000, lt=2**32 - 2)]
    gid: Annotated[int, Field(ge=100, lt=2**32 - 2)]


class Nfs(_Part):
    """How a share is given to NFS 4 clients (exports(5)).

    Attributes:
        hosts: who may mount it; nobody else can.
        read_only: nobody can write.
        map_all: the user that everybody is taken for; None: the clients say who it is, and are trusted.
        map_root: root of a client is root here. Otherwise it is nobody.
    """

    hosts: tuple[NfsHost, ...] = ()
    read_only: bool = False
    map_all: MappedUser | None = None
    map_root: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.map_all is not None and self.map_root:
            raise ValueError("everybody is one user, or root is root: not both")
        return self


class Share(_Part):
    """A folder that is shared, by SMB, by NFS, or by both.

    Attributes:
        name: how people call it.
        dataset: the dataset that it lies on.
        guid: the identity of that dataset, as decimal text.
        folder: inside the dataset; empty for all of it.
        smb: None when it is not shared by SMB.
        nfs: None when it is not shared by NFS.
    """

    name: NewShareName
    dataset: DatasetName
    guid: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
    folder: Folder = ""
    smb: Smb | None = None
    nfs: Nfs | None = None

    @model_validator(mode="after")
    def _is_shared(self) -> Self:
        if self.smb is None and self.nfs is None:
            raise ValueError("must be shared by SMB, by NFS or by both")
        return self


class Shares(_Part):
    """All of them, in the order of their names; no two differ only by small and capital letters."""

    version: Literal[1] = 1
    shares: tuple[Share, ...] = ()

    @model_validator(mode="after")
    def _has_no_twins(self) -> Self:
        keys = [each.name.lower() for each in self.shares]
        if keys != sorted(set(keys)):
            raise ValueError("names must be different, and in order")
        return self

    def find(self, name: str) -> Share | None:
        """The share of a name; capital letters do not count, as for Samba."""
        return next((each for each in self.shares if each.name.lower() == name.lower()), None)

    def with_share(self, share: Share) -> Shares:
        """With a share added, or in the place of the one of its name."""
        return _sorted([*(each for each in self.shares if each.name.lower() != share.name.lower()), share])

    def without(self, name: str) -> Shares:
        """Without the share of a name."""
        return _sorted(each for each in self.shares if each.name.lower() != name.lower())

    def naming(self, principal: str) -> tuple[Share, ...]:
        """The shares that give a right to a user (`anna`) or a group (`@family`), or map to it."""
        return tuple(
            each for each in self.shares if principal in principals(each) or maps_to(each, principal)
        )

    def without_principal(self, principal: str) -> Shares:
        """With the rights of a user or a group taken away everywhere."""
        return _sorted(_without(each, principal) for each in self.shares)


def parse_shares(text: str, origin: str) -> Shares:
    """The shares out of their file.

    Raises:
        ConfigError: it is damaged; the message names the place.
    """
    try:
        return Shares.model_validate_json(text)
    except ValidationError as error:
        data = None
        with contextlib.suppress(ValueError):  # not even JSON
            data = from_json(text)
        raise refusal(error, data, origin, MEANINGS) from error


def principals(share: Share) -> frozenset[str]:
    """Users and groups that have a right over SMB."""
    return frozenset() if share.smb is None else frozenset((*share.smb.read, *share.smb.write))


def maps_to(share: Share, user: str) -> bool:
    """Whether everybody who comes by NFS is taken for this user."""
    return share.nfs is not None and share.nfs.map_all is not None and share.nfs.map_all.name == user


def _without(share: Share, principal: str) -> Share:
    if share.smb is None:
        return share
    read, write = (
        tuple(each for each in names if each != principal) for names in (share.smb.read, share.smb.write)
    )
    return share.model_copy(update={"smb": share.smb.model_copy(update={"read": read, "write": write})})


def _sorted(shares: Iterable[Share]) -> Shares:
    return Shares(shares=tuple(sorted(shares, key=lambda each: each.name.lower())))
