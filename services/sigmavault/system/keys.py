"""Files of keys, in a folder that only root can enter. A key is written once and never over another."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Machine
from sigmavault.core.storage import keys
from sigmavault.system.files import sync_folder

_NO_LINK: Final = os.O_NOFOLLOW | os.O_CLOEXEC


def free_file(machine: Machine, dataset: str) -> str:
    """The name of a file that is not there yet, for the key of a dataset."""
    folder = machine.root / keys.FOLDER
    number = 1
    while (folder / keys.file_name(dataset, number)).exists():
        number += 1
    return keys.file_name(dataset, number)


def make(machine: Machine, file: str) -> None:
    """Write a new key; it outlives a power cut before anything is encrypted with it.

    Raises:
        OperationError: it cannot be written, or there is one.
    """
    path = machine.root / keys.FOLDER / file
    try:
        _make_folder(machine.root)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
        with open(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(keys.KEY_BYTES))
            stream.flush()
            os.fsync(descriptor)
        sync_folder(path.parent)
    except OSError as error:
        raise OperationError(f"the key file {path} cannot be written: {error.strerror}") from error


def _make_folder(root: Path) -> None:
    folder = root
    for name in keys.FOLDER.split("/"):
        folder /= name
        folder.mkdir(0o700 if folder == root / keys.FOLDER else 0o755, exist_ok=True)


def read(machine: Machine, file: str) -> str:
    """A key, hexadecimal.

    Raises:
        OperationError: it cannot be read.
        InvalidRequestError: the file holds no key.
    """
    path = machine.root / keys.FOLDER / file
    try:
        with open(os.open(path, os.O_RDONLY | _NO_LINK), encoding="ascii", errors="replace") as stream:
            return keys.require_key(stream.read(1024).strip())
    except OSError as error:
        raise OperationError(f"the key file {path} cannot be read: {error.strerror}") from error


def discard(machine: Machine, file: str) -> None:
    """Remove a key with which nothing was ever encrypted."""
    (machine.root / keys.FOLDER / file).unlink(missing_ok=True)
