"""Signed kernel modules and the key they are signed with, as bytes and words. No I/O.

A signed module is the module, a PKCS#7 signature, a trailer of 12 bytes and a mark
(Linux: `Documentation/admin-guide/module-signing.rst`, `scripts/sign-file.c`).
"""

from __future__ import annotations

import lzma
import struct
from enum import StrEnum
from pathlib import PurePath

from sigmavault.core.errors import ModuleSigningError

MODULES = ("spl", "zfs")
"""The modules of ZFS, in the order they need each other."""

KEY_FILE = "sigmavault-mok.key"
CERTIFICATE_FILE = "sigmavault-mok.der"
COMMON_NAME = "SigmaVault module key"
KEY_USAGE = "codeSigning,1.3.6.1.4.1.2312.16.1.2"
"""The second one is "kernel modules only": shim starts no boot loader that such a key signed."""

VOLATILE = frozenset({"overlay", "ramfs", "rootfs", "squashfs", "tmpfs"})
"""File systems that hold nothing for the next start, the live system's own among them."""

_REFUSALS = ("Operation not permitted", "Key was rejected by service", "Required key not available")
"""EPERM of lockdown, EKEYREJECTED of `module.sig_enforce`, ENOKEY."""

_MARK = b"~Module signature appended~\n"
_TRAILER = struct.Struct(">8xI")
_XZ = ({"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 20},)
"""What the kernel unpacks by itself: CRC32 and a dictionary of 1 MiB (`scripts/Makefile.modinst`)."""


class Enrolment(StrEnum):
    """What the firmware knows of a key."""

    ENROLLED = "enrolled"
    REQUESTED = "requested"
    """It is asked for at the next start."""
    UNKNOWN = "unknown"


def parse_enrolment(said: str) -> Enrolment:
    """The answer of `mokutil --test-key`.

    Raises:
        ModuleSigningError: it is none of the known ones.
    """
    for words, found in (
        ("is not enrolled", Enrolment.UNKNOWN),
        ("is already in the enrollment request", Enrolment.REQUESTED),
        ("is already enrolled", Enrolment.ENROLLED),
    ):
        if words in said:
            return found
    raise ModuleSigningError(f"mokutil does not say whether the key is enrolled: {said.strip() or 'nothing'}")


def is_refused(said: str) -> bool:
    """Whether modprobe failed because of the module's signature, by what it said (in English)."""
    return any(words in said for words in _REFUSALS)


def strip_signature(module: bytes) -> bytes:
    """A module without its signature; as it is when it has none.

    Raises:
        ModuleSigningError: it is marked as signed, but the signature cannot be as long as it says.
    """
    if not module.endswith(_MARK):
        return module
    body = module.removesuffix(_MARK)
    if len(body) < _TRAILER.size:
        raise ModuleSigningError("the module is damaged: it ends with the mark of a signature and has none")
    (length,) = _TRAILER.unpack(body[-_TRAILER.size :])
    end = len(body) - _TRAILER.size - length
    if end <= 0:
        raise ModuleSigningError("the module is damaged: its signature is longer than the module")
    return body[:end]


def unpack(name: str, content: bytes) -> bytes:
    """A module's file as the module, by the file's ending.

    Raises:
        ModuleSigningError: packed in a way that is not known here, or damaged.
    """
    match PurePath(name).suffix:
        case ".ko":
            return content
        case ".xz":
            try:
                return lzma.decompress(content, format=lzma.FORMAT_XZ)
            except (lzma.LZMAError, EOFError) as error:
                raise ModuleSigningError(f"{name} is damaged: {error}") from error
        case ending:
            raise ModuleSigningError(f"{name}: modules packed as {ending} are not known here")


def pack(name: str, module: bytes) -> bytes:
    """The reverse of `unpack`."""
    if PurePath(name).suffix == ".ko":
        return module
    return lzma.compress(module, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=_XZ)
