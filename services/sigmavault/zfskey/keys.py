"""The key pair in a person's folder."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sigmavault.core.errors import InvalidRequestError, ModuleSigningError
from sigmavault.core.module_signing import CERTIFICATE_FILE, COMMON_NAME, KEY_FILE, VOLATILE
from sigmavault.system.kernel_modules import read_filesystem
from sigmavault.system.mok import is_pair, make_pair, read_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A key pair that fits together.

    Attributes:
        key: the private key's file.
        certificate: what the firmware is given.
        name: the certificate's subject, which the firmware shows.
    """

    key: Path
    certificate: Path
    name: str

    def is_private(self) -> bool:
        """Whether the file system keeps the key from everybody but its owner."""
        return not self.key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def read_folder(text: str) -> Path:
    """A person's folder, as an absolute path.

    Raises:
        InvalidRequestError: there is no such folder.
    """
    try:
        folder = Path(text).resolve(strict=True)
    except OSError as error:
        raise InvalidRequestError(f"{text}: {error.strerror}") from error
    if not folder.is_dir():
        raise InvalidRequestError(f"{text} is not a folder")
    return folder


def read_pair(folder: Path) -> Pair | None:
    """The pair in a folder; None when there is nothing of it.

    Raises:
        ModuleSigningError: there is half a pair, or the halves do not belong together.
    """
    key, certificate = folder / KEY_FILE, folder / CERTIFICATE_FILE
    there = [path for path in (key, certificate) if path.exists() or path.is_symlink()]
    if not there:
        return None
    if len(there) == 1:
        raise ModuleSigningError(
            f"{folder} has {there[0].name} without the other half of the pair",
            hint="put back what is missing, or remove the rest to begin anew with another key",
        )
    if not is_pair(key, certificate):
        raise ModuleSigningError(f"{KEY_FILE} and {CERTIFICATE_FILE} in {folder} do not belong together")
    return Pair(key=key, certificate=certificate, name=read_name(certificate))


def make_new_pair(folder: Path) -> Pair:
    """Make a pair in a folder that has none.

    Raises:
        ModuleSigningError: what is in the folder is gone at the next start.
        CommandError: openssl failed.
        OSError: the folder cannot be written to.
    """
    kind = read_filesystem(folder)
    if kind in VOLATILE:
        raise ModuleSigningError(
            f"{folder} is in memory ({kind}) and gone at the next start, and the key with it",
            hint="give a folder that lasts, such as one on a USB stick",
        )
    # Each machine's key has a name of its own: the firmware shows nothing else to tell them apart by.
    name = f"{COMMON_NAME} {secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(prefix="sigmavault-", dir="/run") as work:
        fresh = [Path(work) / KEY_FILE, Path(work) / CERTIFICATE_FILE]
        make_pair(fresh[0], fresh[1], name)
        contents = [path.read_bytes() for path in fresh]
    pair = Pair(key=folder / KEY_FILE, certificate=folder / CERTIFICATE_FILE, name=f"CN={name}")
    _place(contents[0], pair.key, 0o600)
    try:
        _place(contents[1], pair.certificate, 0o644)
    except OSError:
        pair.key.unlink()
        raise
    return pair


def _place(content: bytes, path: Path, mode: int) -> None:
    """Write a new file, never over or through one that is there; a stick may be pulled right after."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(file)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
