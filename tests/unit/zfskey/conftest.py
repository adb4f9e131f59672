"""A firmware of files and a kernel tree of files; openssl and mokutil are real."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from sigmavault.core.module_signing import pack
from sigmavault.system import run
from sigmavault.zfskey import keys

GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
SHIM = "605dab50-e046-4300-abb6-3dd810dd8b23"
KERNEL = "6.12.1-test"

# What the kernel's sign-file does, in openssl's words: the kernel's own is on no machine without its headers.
_SIGN_FILE = r"""#!/bin/sh
set -eu
openssl x509 -inform DER -in "$3" -out "$4.pem"
openssl cms -sign -binary -noattr -nocerts -md "$1" -signer "$4.pem" -inkey "$2" \
  -in "$4" -outform DER -out "$4.p7"
size=$(stat -c %s "$4.p7")
{ cat "$4" "$4.p7"; printf '\0\0\2\0\0\0\0\0\0\0'
  printf "\\$(printf %o "$((size / 256))")\\$(printf %o "$((size % 256))")"
  printf '~Module signature appended~\n'; } > "$4.signed"
mv "$4.signed" "$4"
"""


class Firmware:
    """The EFI variables as files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("SecureBoot", GLOBAL, b"\x01")
        self.write("SetupMode", GLOBAL, b"\x00")

    def write(self, name: str, owner: str, content: bytes) -> None:
        (self.folder / f"{name}-{owner}").write_bytes(b"\x06\0\0\0" + content)

    def read(self, name: str) -> bytes:
        """Its content, without the attributes; empty when it is not there."""
        path = self.folder / f"{name}-{SHIM}"
        return path.read_bytes()[4:] if path.exists() else b""

    def restart(self, *, agreed: bool) -> None:
        """What MokManager does at the next start."""
        new = self.read("MokNew")
        for name in ("MokNew", "MokAuth"):
            (self.folder / f"{name}-{SHIM}").unlink(missing_ok=True)
        if agreed:
            self.write("MokListRT", SHIM, new)


@pytest.fixture
def firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Firmware:
    folder = tmp_path / "efivars"
    folder.mkdir()
    inherited = run._environment

    def with_variables(extra: Mapping[str, str] | None) -> dict[str, str]:
        return {**inherited(extra), "EFIVARFS_PATH": f"{folder}/"}

    monkeypatch.setattr(run, "_environment", with_variables)
    return Firmware(folder)


@pytest.fixture
def stick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is taken for one that lasts, wherever the tests write."""
    monkeypatch.setattr(keys, "VOLATILE", frozenset())
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


@pytest.fixture
def kernel_tree(tmp_path: Path) -> Path:
    """The root of a system with both modules and a signer."""
    modules = tmp_path / "root/usr/lib/modules" / KERNEL
    (modules / "updates/dkms").mkdir(parents=True)
    (modules / "build/scripts").mkdir(parents=True)
    signer = modules / "build/scripts/sign-file"
    signer.write_text(_SIGN_FILE)
    signer.chmod(0o755)
    for name in ("spl", "zfs"):
        path = modules / f"updates/dkms/{name}.ko.xz"
        path.write_bytes(pack(path.name, os.urandom(100) + name.encode() * 1000))
        path.chmod(0o644)
    return tmp_path / "root"
