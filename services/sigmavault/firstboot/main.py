"""Makes what is missing, and writes down last what this machine is."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from sigmavault import __version__
from sigmavault.core.errors import ConfigError, SigmaVaultError
from sigmavault.core.manifest import parse_manifest
from sigmavault.core.tiers import choose_tier
from sigmavault.firstboot import pieces
from sigmavault.system import env
from sigmavault.system.files import make_folder, write_durably
from sigmavault.system.hardware import read_hardware
from sigmavault.system.yaml_file import read_yaml

RECORD: Final = Path("var/lib/sigmavault/machine.json")
"""The mark that all is made: the unit's condition. Whoever adds a piece gives it another name."""

type Piece = Callable[[Path], bool]

PIECES: Final[dict[str, Piece]] = {
    "ZFS host id": pieces.host_id,
    "SSH host keys": pieces.ssh_keys,
    "TLS certificate": lambda root: pieces.certificate(root, pieces.host_name(root)),
    "secret of the API": pieces.api_secret,
}
"""By the name that the journal tells, in order: ZFS and sshd wait for theirs."""


def main(root: Path = Path("/")) -> int:
    """Make what is missing; the exit code of the service. A piece that fails does not stop the others."""
    failures = list(_make(root))
    for each in failures:
        sys.stderr.write(f"<3>{each}\n")
    if failures:
        return 1  # no mark: the next boot tries again
    try:
        make_folder((root / RECORD).parent)
        write_durably(root / RECORD, json.dumps(_machine(root), indent=2) + "\n", 0o644)
    except OSError as error:
        sys.stderr.write(f"<3>/{RECORD}: {error}\n")
        return 1
    return 0


def _make(root: Path) -> Iterator[str]:
    for name, piece in PIECES.items():
        began = time.monotonic()
        try:
            was_made = piece(root)
        except (OSError, SigmaVaultError) as error:
            yield f"{name}: {error}"
        else:
            told = f"made in {time.monotonic() - began:.1f} s" if was_made else "there already"
            sys.stderr.write(f"<6>{name}: {told}\n")


def _machine(root: Path) -> dict[str, object]:
    """What this machine is. Bandwidth is not measured while everything else starts."""
    found: dict[str, object] = {"version": __version__}
    try:
        file = env.paths().manifest
        choice = choose_tier(read_hardware(root), parse_manifest(read_yaml(file), file.name))
    except ConfigError as error:
        return found | {"tier": None, "reasons": [error.message]}
    return found | {"tier": choice.tier.name, "reasons": list(choice.reasons)}
