"""Loads the keys that lie in files of this machine, so that ZFS mounts what they open."""

from __future__ import annotations

import sys

from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.operation import Machine
from sigmavault.core.storage.datasets import Dataset, KeyStatus
from sigmavault.core.storage.keys import Keeping, keeping
from sigmavault.operations.key.rows import KEY_COLUMNS
from sigmavault.system import zfs


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
        return False
    return True
