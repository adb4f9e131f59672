"""Checkpoints: a machine's memory and disks, kept so that the next run starts in seconds.

A checkpoint fits only the very image, QEMU and hardware it was made of: its key is the hash of all three.
One is kept for each machine name; saving a new one removes the old.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.vm.machine.process import run

TAG = "ready"
"""Name of the snapshot inside the qcow2 files."""
_NOTE = "checkpoint.json"
FORMAT = 1
"""Raise it when what is noted with a checkpoint changes: older ones no longer fit then."""


def checkpoint_key(*, image: str, qemu_version: str, identity: Sequence[str]) -> str:
    """The key, from the image's sha256, QEMU's version and the identity part of the command line."""
    text = json.dumps([FORMAT, image, qemu_version, list(identity)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Store:
    """Where checkpoints are kept, one folder a machine name, one below it a key."""

    folder: Path

    def find(self, name: str, key: str) -> dict[str, Any] | None:
        """The notes saved with a checkpoint, or None when there is none that fits."""
        note = self.folder / name / key / _NOTE
        if not note.is_file():
            return None
        notes: dict[str, Any] = json.loads(note.read_text())
        return notes

    def keep(self, name: str, key: str, files: Sequence[Path], notes: Mapping[str, Any]) -> None:
        """Copy the files of a machine that is switched off; the notes come last and make it valid."""
        self.drop(name)
        target = self.folder / name / key
        target.mkdir(parents=True)
        for file in files:
            _copy(file, target)
        (target / _NOTE).write_text(json.dumps(notes))

    def fetch(self, name: str, key: str, folder: Path) -> None:
        """Copy a checkpoint's files into a machine's folder, over what is there."""
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted((self.folder / name / key).iterdir()):
            if file.name != _NOTE:
                _copy(file, folder)

    def drop(self, name: str) -> None:
        """Forget the checkpoints of a machine."""
        shutil.rmtree(self.folder / name, ignore_errors=True)


def _copy(file: Path, folder: Path) -> None:
    # cp shares blocks where the file system can, and keeps holes.
    run(["cp", "--reflink=auto", "--sparse=always", "--", file, folder], timeout_s=600)
