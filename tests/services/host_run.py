"""The real hostd on a folder that stands for the root, with the operations of the tests beside its own.

host_run.py ROOT
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from sigmavault.core.process import Result
from sigmavault.hostd.main import run
from sigmavault.operations import registry
from sigmavault.system.machine import RealMachine


class FolderMachine(RealMachine):
    """Programs lie in `bin/` of the folder, where a test puts them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "", check: bool = True) -> Result:
        program = self.root / "bin" / argv[0]
        return super().run([str(program), *argv[1:]], timeout_s=timeout_s, stdin=stdin, check=check)


if __name__ == "__main__":
    registry.add_folder(Path(__file__).parent / "operations")
    raise SystemExit(run(FolderMachine(Path(sys.argv[1]))))
