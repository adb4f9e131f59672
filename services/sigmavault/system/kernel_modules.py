"""Files of kernel modules on this machine: where they are, signing them, loading them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sigmavault.core.errors import CommandError, KeyNotEnrolledError, ModuleSigningError
from sigmavault.core.module_signing import is_refused, pack, strip_signature, unpack
from sigmavault.system.run import run

DIGEST = "sha256"
TIMEOUT_S = 120.0


def find_modules(root: Path, kernel: str, name: str) -> list[Path]:
    """The files of a module for a kernel."""
    found = (root / "usr/lib/modules" / kernel).glob(f"**/{name}.ko*")
    return sorted(path.resolve() for path in found if path.suffix in (".ko", ".gz", ".xz", ".zst"))


def find_signer(root: Path, kernel: str) -> Path:
    """The kernel's own `sign-file`, which came with its headers.

    Raises:
        ModuleSigningError: the headers are not installed.
    """
    signer = root / "usr/lib/modules" / kernel / "build/scripts/sign-file"
    if not signer.is_file():
        raise ModuleSigningError(
            f"{signer} is not there", hint=f"install linux-headers-{kernel}, which brings it"
        )
    return signer


def sign_module(module: Path, signer: Path, key: Path, certificate: Path) -> bool:
    """Give a module's file the signature of a key, in place of any other; whether that changed it.

    A reader sees the old file or the new one. Signing the same module with the same key again gives the
    same bytes and changes nothing.

    Raises:
        CommandError: the signer failed.
        ModuleSigningError: the file is damaged or packed in an unknown way.
        OSError: it cannot be written.
    """
    content = unpack(module.name, module.read_bytes())
    with tempfile.TemporaryDirectory(prefix="sigmavault-", dir="/run") as folder:
        work = Path(folder) / "module.ko"
        work.write_bytes(strip_signature(content))
        argv = [os.fspath(signer), DIGEST, os.fspath(key), os.fspath(certificate), os.fspath(work)]
        run(argv, timeout_s=TIMEOUT_S)
        signed = work.read_bytes()
    if signed == content:
        return False
    _replace(module, pack(module.name, signed))
    return True


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
        os.fsync(file.fileno())
    fresh.replace(path)


def load_module(name: str) -> None:
    """Load a module and those it needs.

    Raises:
        KeyNotEnrolledError: the kernel refuses its signature.
        CommandError: it failed for another reason.
    """
    done = run(["modprobe", name], timeout_s=TIMEOUT_S, check=False)
    if done.status == 0:
        return
    if is_refused(done.stderr):
        raise KeyNotEnrolledError(f"the kernel still refuses {name}: the firmware does not know its key")
    raise CommandError(done.argv, done.status, done.stderr)


def read_filesystem(folder: Path) -> str:
    """The kind of file system a folder is on.

    Raises:
        CommandError: findmnt does not know.
    """
    argv = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", os.fspath(folder)]
    # Mounts on top of each other are listed from the bottom up.
    return run(argv, timeout_s=TIMEOUT_S).stdout.split()[-1]
