"""The real hostd on a folder that stands for the root, with the operations of the tests beside its own.

host_run.py ROOT
"""

from __future__ import annotations

import sys
from pathlib import Path

from sigmavault.hostd.main import run
from sigmavault.operations import registry
from sigmavault.system.machine import RealMachine


class FolderMachine(RealMachine):
    def __init__(self, root: Path) -> None:
        self.root = root


if __name__ == "__main__":
    registry.add_folder(Path(__file__).parent / "operations")
    raise SystemExit(run(FolderMachine(Path(sys.argv[1]))))
