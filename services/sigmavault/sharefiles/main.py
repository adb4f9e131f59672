"""Lets the files of Samba and NFS follow what is mounted, before the two start."""

from __future__ import annotations

import sys

from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.operation import Machine
from sigmavault.system import shares


def main(machine: Machine) -> int:
    """Write the files if they have to be others; the exit code of the service."""
    try:
        shares.refresh(machine, is_early=True)
    except SigmaVaultError as error:
        sys.stderr.write(f"<3>{error.message}\n")
        return error.exit_code
    return 0
