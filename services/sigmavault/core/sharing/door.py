"""The door of a share: the ACL on its root folder, which lets people in or not (acl(5), setfacl(1)). Pure.

Inside, everything belongs to whoever got in: what is made there is open to all users of the NAS (a default
ACL for their group), and whether somebody may write is Samba's business (`write list`). So a right that is
given or taken changes one folder, and never a million files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sigmavault.core.sharing.accounts import EVERYBODY
from sigmavault.core.sharing.place import Place
from sigmavault.core.sharing.share import Guest

_ALL, _LOOK, _PASS, _NONE = "rwx", "r-x", "--x", "---"
_GUESTS: Final = {Guest.NOTHING: _NONE, Guest.READ: _LOOK, Guest.WRITE: _ALL}
_STRENGTH: Final = (_NONE, _PASS, _LOOK, _ALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The ACL of a folder.

    Attributes:
        path: the folder.
        entries: of setfacl(1), the defaults for what is made inside (`d:`) too.
    """

    path: str
    entries: tuple[str, ...]

    @property
    def argv(self) -> tuple[str, ...]:
        """The command that sets it."""
        return ("setfacl", "--physical", "--set", ",".join(self.entries), "--", self.path)


def doors(places: Sequence[Place], left: Iterable[str] = ()) -> tuple[Door, ...]:
    """The doors of all shares that can be served, the upper ones first.

    Args:
        places: the shares.
        left: folders that were shared until now; the shares below them still have to be reached.
    """
    there = [each for each in places if each.path and each.is_available]
    wanted = sorted({*(each.path for each in there if _has_door(each)), *left})
    return tuple(door for path in wanted if (door := _door(path, there)) is not None)


def _has_door(place: Place) -> bool:
    """Rights of an NFS share are those of the files, unless everybody is one user."""
    nfs = place.share.nfs
    return place.share.smb is not None or (nfs is not None and nfs.map_all is not None)


def _door(path: str, places: Sequence[Place]) -> Door | None:
    here = [each for each in places if each.path == path]
    below = [each for each in places if each.path.startswith(f"{path}/")]
    if not here and not below:
        return None
    named: dict[str, str] = {}
    others = inside = _NONE
    for place in here:
        for principal, right in _rights(place):
            named[principal] = _stronger(named.get(principal, _NONE), right)
        guests = _GUESTS[place.share.smb.guest] if place.share.smb is not None else _NONE
        others, inside = _stronger(others, guests), _stronger(inside, guests)
    for place in below:
        for principal, _right in _rights(place):
            named[principal] = _stronger(named.get(principal, _NONE), _PASS)
        if not _has_door(place) or (
            place.share.smb is not None and place.share.smb.guest is not Guest.NOTHING
        ):
            others = _stronger(others, _PASS)
    return Door(path=path, entries=(*_entries(named, others), *_inside(inside)))


def _rights(place: Place) -> Iterator[tuple[str, str]]:
    if (smb := place.share.smb) is not None:
        yield from ((each, _LOOK) for each in smb.read)
        yield from ((each, _ALL) for each in smb.write)
    if (nfs := place.share.nfs) is not None and nfs.map_all is not None:
        yield nfs.map_all.name, _LOOK if nfs.read_only else _ALL


def _stronger(one: str, other: str) -> str:
    return max(one, other, key=_STRENGTH.index)


def _entries(named: Mapping[str, str], others: str) -> Iterator[str]:
    yield "u::rwx"
    yield "g::---"
    for principal in sorted(named):
        kind, name = ("g", principal[1:]) if principal.startswith("@") else ("u", principal)
        yield f"{kind}:{name}:{named[principal]}"
    yield f"o::{others}"


def _inside(guests: str) -> tuple[str, ...]:
    return ("d:u::rwx", "d:g::---", f"d:g:{EVERYBODY}:rwx", f"d:o::{guests}")
