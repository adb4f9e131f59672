"""Loads the keys that lie in files of this machine, so that ZFS mounts what they open."""

from __future__ import annotations

import sys

from sigmavault.core.errors import AuditError, SigmaVaultError
from sigmavault.core.operation import Machine
from sigmavault.core.storage.datasets import Dataset, KeyStatus
from sigmavault.core.storage.keys import Keeping, keeping
from sigmavault.operations.key.load import LoadKey
from sigmavault.operations.key.rows import KEY_COLUMNS
from sigmavault.system import early, zfs


def main(machine: Machine) -> int:
    """Load them; the exit code of the service. One that fails keeps no other from being loaded."""
    failed = 0
    try:
        for name in zfs.each_dataset(machine, _to_load, columns=KEY_COLUMNS):
            failed |= not _loaded(machine, name)
    except SigmaVaultError as error:
        sys.stderr.write(f"<3>{error.message}\n")
        return error.exit_code
    return int(failed)


def _to_load(dataset: Dataset) -> str | None:
    is_locked = dataset.is_encryption_root and dataset.key_status is KeyStatus.UNAVAILABLE
    is_ours = keeping(dataset.key_format, dataset.key_location) is Keeping.MACHINE
    return dataset.name if is_locked and is_ours and not dataset.is_trash else None


def _loaded(machine: Machine, name: str) -> bool:
    try:
        machine.run(("zfs", "load-key", "--", name), timeout_s=zfs.CHANGE_S)
    except SigmaVaultError as error:
        sys.stderr.write(f"<3>the key of {name} was not loaded: {error.message}\n")
        _tell(machine, name, error.code, error.message)
        return False
    _tell(machine, name, "ok", "when the machine started")
    return True


def _tell(machine: Machine, name: str, result: str, message: str) -> None:
    """For the audit of the host daemon; a machine without its data is worse than one record less."""
    try:
        early.tell(machine, LoadKey.name, {"dataset": name}, result, message)
    except AuditError as error:
        sys.stderr.write(f"<4>{error.message}\n")
