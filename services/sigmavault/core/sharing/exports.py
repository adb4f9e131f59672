"""The lines of exports(5) for the shares, and the lines that other people wrote. Pure.

Every sign of a path that is no letter, digit, `/`, `.`, `_` or `-` is written as octal digits: nothing in it
can end the path, begin a host or an option. Hosts are networks; a name was resolved when it was saved.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sigmavault.core.errors import OperationError
from sigmavault.core.sharing.place import Place
from sigmavault.core.sharing.share import Nfs

HEADER: Final = "# Written by SigmaVault out of /etc/sigmavault/shares.json; what is changed here is lost."
FILE: Final = "/etc/exports.d/sigmavault.exports"
_AS_IT_IS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-")
_OCTAL: Final = re.compile(rb"\\([0-7]{3})")
_IDENTITY: Final = uuid.UUID("8e1f5a52-3f0c-5d0f-9f0e-6c1d3a0f7b11")
"""Namespace of our export identities."""


def render(places: Sequence[Place]) -> str:
    """The whole file. A share that is not available has no line: NFS has no word for it."""
    exported = [each for each in places if each.share.nfs is not None and not each.nfs_reason]
    return "\n".join([HEADER, *(line(each) for each in exported)]) + "\n"


def line(place: Place) -> str:
    """The line of one share.

    Raises:
        OperationError: its path would not be read back as it is.
    """
    nfs = place.share.nfs
    if nfs is None:
        return ""
    options = ",".join(_options(place, nfs))
    hosts = [f"{host}({options})" for host in addresses(nfs)]
    written = " ".join([escaped(place.path), *hosts])
    if parse(written) != {place.path: tuple(addresses(nfs))}:
        raise OperationError(f"{place.path[:80]!r} cannot be in the configuration of NFS")
    return written


def addresses(nfs: Nfs) -> list[str]:
    """Who may mount, each once; a single machine without its prefix."""
    networks = dict.fromkeys(each for host in nfs.hosts for each in host.addresses)
    return [_short(ipaddress.ip_network(each)) for each in networks]


def _short(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)


def _options(place: Place, nfs: Nfs) -> Iterator[str]:
    yield "ro" if nfs.read_only else "rw"
    yield "sync"
    yield "no_subtree_check"
    yield "sec=sys"
    yield "no_root_squash" if nfs.map_root else "root_squash"
    if nfs.map_all is not None:
        yield f"all_squash,anonuid={nfs.map_all.uid},anongid={nfs.map_all.gid}"
    # The kernel's own number of a ZFS file system is another one after a restore from a backup
    yield f"fsid={uuid.uuid5(_IDENTITY, f'{place.share.guid}:{place.share.folder}')}"
    # mountd itself looks: without the mount there is no export, however long nobody told it
    whole = place.path == place.mountpoint
    yield "mountpoint" if whole else f"mountpoint={escaped(place.mountpoint)}"


def escaped(path: str) -> str:
    """A path as exports(5) has it."""
    return "".join(chr(byte) if byte in _AS_IT_IS else f"\\{byte:03o}" for byte in path.encode())


def parse(text: str) -> Mapping[str, tuple[str, ...]]:
    """Path → hosts, of any file in the format of exports(5); options are left out.

    Raises:
        OperationError: it cannot be read: the NFS server would leave it out, or read something else.
    """
    found: dict[str, tuple[str, ...]] = {}
    for each in text.replace("\\\n", " ").splitlines():
        words = list(_words(each))
        if not words:
            continue
        if not words[0].startswith("/"):
            raise OperationError(f"{each[:80]!r} is no line of exports(5): it has to begin with a path")
        hosts = tuple(word.partition("(")[0] for word in words[1:] if not word.startswith("-"))
        found[words[0]] = (*found.get(words[0], ()), *hosts)
    return found


def _words(text: str) -> Iterator[str]:
    """Words of a line: a quotation holds spaces together, `#` begins a remark, octal escapes are read."""
    word, is_quoted, is_word = "", False, False
    for sign in text:
        if sign == '"':
            is_quoted, is_word = not is_quoted, True
        elif is_quoted or not (sign.isspace() or sign == "#"):
            word, is_word = word + sign, True
        else:
            if is_word:
                yield _plain(word)
            word, is_word = "", False
            if sign == "#":
                return
    if is_quoted:
        raise OperationError(f"{text[:80]!r} is no line of exports(5): a quotation does not end")
    if is_word:
        yield _plain(word)


def _plain(word: str) -> str:
    raw = _OCTAL.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), word.encode())
    return raw.decode(errors="surrogateescape")


def conflicts(places: Sequence[Place], others: Mapping[str, str]) -> tuple[str, ...]:
    """Why our lines and those of other files cannot both be there, a sentence each.

    Args:
        places: the shares.
        others: file → what is in it.
    """
    ours = {each.path for each in places if each.share.nfs is not None and each.path}
    told = []
    for file, text in others.items():
        try:
            theirs = parse(text)
        except OperationError as error:
            told.append(f"{file}: {error.message}")
            continue
        told += [f"{file} exports {path} already" for path in sorted(ours & theirs.keys())]
    return tuple(told)
