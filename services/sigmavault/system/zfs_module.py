"""Looks at the running machine for what `core.zfs_module` wants to know."""

from __future__ import annotations

import os
from pathlib import Path

from sigmavault.core.zfs_module import ZfsFacts, is_enforcing, is_locked_down

_SECURE_BOOT = Path("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")


def read_zfs_facts(root: Path = Path("/")) -> ZfsFacts:
    """What can be seen of the ZFS module on this machine."""
    kernel = os.uname().release
    return ZfsFacts(
        loaded=(root / "sys/module/zfs").is_dir(),
        built=any((root / "usr/lib/modules" / kernel).glob("**/zfs.ko*")),
        secure_boot=is_enforcing(_read(root / _SECURE_BOOT)),
        lockdown=is_locked_down(_read(root / "sys/kernel/security/lockdown").decode("ascii")),
        live=(root / "run/live/medium").is_dir(),
        kernel=kernel,
        version=_source_version(root),
    )


def _source_version(root: Path) -> str:
    sources = sorted((root / "usr/src").glob("zfs-[0-9]*"))
    return sources[-1].name.removeprefix("zfs-") if sources else ""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # no EFI, no such security module, or not for this user: nothing is enforced
        return b""
