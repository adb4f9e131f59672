"""The sections of smb.conf(5) for the shares: the file that the base configuration includes. Pure.

The base (`/etc/samba/smb.conf`) belongs to the image and to its owner; we write the included file whole, and
nothing else. Options: `docs/decisions/0020-shares.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from sigmavault.core.errors import OperationError
from sigmavault.core.sharing.place import Place
from sigmavault.core.sharing.share import Encryption, Guest, Smb
from sigmavault.core.storage.snapshots import POLICIES

HEADER: Final = "# Written by SigmaVault out of /etc/sigmavault/shares.json; what is changed here is lost."
INCLUDE: Final = "/etc/samba/sigmavault-shares.conf"
NOWHERE: Final = "/nonexistent"
"""The path of a share without one: Samba would serve /tmp if it had none."""
_INCLUDE_LINE: Final = re.compile(rf"(?im)^[ \t]*include[ \t]*=[ \t]*{re.escape(INCLUDE)}[ \t]*$")
_SECTION: Final = re.compile(r"(?m)^[ \t]*\[([^\]\n]*)\]")

_SNAPSHOTS: Final = rf"^sv-\({'\\|'.join(POLICIES)}\)$"
_SAME: Final = (
    "full_audit:prefix = %u|%I|%S",
    "full_audit:success = connect",
    "full_audit:failure = connect",
    "create mask = 0664",
    "directory mask = 0775",
    "inherit acls = yes",
    "map acl inherit = yes",
    "access based share enum = yes",
    "wide links = no",
    "veto files = /.zfs/",
    "hide dot files = yes",
)
"""Of every share."""
_VERSIONS: Final = (
    "shadow:snapdir = .zfs/snapshot",
    "shadow:sort = desc",
    "shadow:localtime = no",
    f"shadow:snapprefix = {_SNAPSHOTS}",
    "shadow:delimiter = _",
    "shadow:format = _%Y.%m.%d-%H.%M.%S",
    "shadow:snapdirseverywhere = yes",
)
"""Previous Versions out of the snapshots of our policies, whose names tell their time in UTC."""
_GUESTS: Final = ("map to guest = Bad User", "restrict anonymous = 0")


def render(places: Sequence[Place]) -> str:
    """The whole file. A share that is not available says so to Samba, and nobody can connect to it."""
    shared = [each for each in places if each.share.smb is not None]
    lines = [HEADER]
    if any(each.share.smb is not None and each.share.smb.guest is not Guest.NOTHING for each in shared):
        # Still in [global]: without a share for guests nobody gets in without a password at all
        lines += [f"   {line}" for line in _GUESTS]
    for place in shared:
        lines += ["", *section(place)]
    return "\n".join(lines) + "\n"


def section(place: Place) -> list[str]:
    """The section of one share.

    Raises:
        OperationError: a value would not stay on its line; the types of `share.py` let none of them through.
    """
    share, smb = place.share, place.share.smb
    if smb is None:
        return []
    options = [*_what(place, smb), *_who(smb), *_how(place, smb)]
    return [f"[{_own(share.name)}]", *(f"   {option}" for option in options)]


def _own(text: str) -> str:
    """What a person wrote, looked at once more: Samba replaces what follows `%`, a backslash joins lines."""
    if not text.isprintable() or set(text) & set('%\\"[];#='):
        raise OperationError(f"{text[:80]!r} cannot be in the configuration of Samba")
    return text


def _what(place: Place, smb: Smb) -> Iterator[str]:
    if place.smb_reason:
        yield "available = no"
    yield f"path = {_own(place.path) or NOWHERE}"
    if smb.comment:
        yield f"comment = {_own(smb.comment)}"
    if smb.hidden:
        yield "browseable = no"


def _who(smb: Smb) -> Iterator[str]:
    writers = [_samba_name(each) for each in smb.write]
    readers = [_samba_name(each) for each in smb.read if each not in smb.write]
    if smb.guest is Guest.NOTHING:
        # An empty list would mean everybody
        yield f"valid users = {' '.join([*writers, *readers]) or '-'}"
    else:
        yield "guest ok = yes"
    if smb.guest is Guest.WRITE:
        yield "read only = no"
        if readers:
            yield f"read list = {' '.join(readers)}"
        return
    yield "read only = yes"
    if writers:
        yield f"write list = {' '.join(writers)}"


def _samba_name(principal: str) -> str:
    # `+`: a Unix group, and no netgroup of the same name, which `@` would ask for first
    return _own(f"+{principal[1:]}" if principal.startswith("@") else principal)


def _how(place: Place, smb: Smb) -> Iterator[str]:
    snapshots = ("shadow_copy2",) if smb.previous_versions else ()
    modules = ("full_audit", "catia", "fruit", "streams_xattr", *snapshots, "acl_xattr")
    yield f"vfs objects = {' '.join(modules)}"
    yield from _SAME
    if smb.encryption is Encryption.REQUIRED:
        yield "server smb encrypt = required"
    if smb.previous_versions:
        yield from _VERSIONS
    yield from _locking(place, smb)


def _locking(place: Place, smb: Smb) -> Iterator[str]:
    if smb.time_machine:
        yield "fruit:time machine = yes"
        if smb.time_machine_bytes is not None:
            yield f"fruit:time machine max size = {smb.time_machine_bytes}"
    if place.share.nfs is not None:
        # NFS clients change files behind the back of an SMB client that was promised to be told
        yield "oplocks = no"
        yield "level2 oplocks = no"
    elif smb.time_machine:
        yield "posix locking = no"


def candidate(base: str, shares: str) -> str:
    """The configuration as it would be: the base with the text of the shares where it includes them.

    Raises:
        OperationError: the base does not include the file of the shares.
    """
    if not _INCLUDE_LINE.search(base):
        raise OperationError(
            f"/etc/samba/smb.conf does not include {INCLUDE}, so no share would be there",
            hint=f"put `include = {INCLUDE}` at the end of its [global] section",
        )
    return _INCLUDE_LINE.sub(lambda _: shares, base, count=1)


def sections(text: str) -> tuple[str, ...]:
    """Names of the sections in a configuration, without [global]."""
    return tuple(name for name in _SECTION.findall(text) if name.lower() != "global")


def is_foreign(text: str) -> bool:
    """Whether somebody wrote shares into our file by hand, which we would destroy."""
    return bool(sections(text)) and not text.startswith(HEADER)
