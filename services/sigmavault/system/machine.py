"""The machine we run on, as operations see it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from sigmavault.core.process import Result
from sigmavault.system import run


class RealMachine:
    """The machine itself. It holds nothing: every look is a look at the machine."""

    is_simulated = False
    root = Path("/")

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "", check: bool = True) -> Result:
        """See `system.run.run`."""
        return run.run(argv, timeout_s=timeout_s, stdin=stdin, check=check)

    def is_held(self, device: Path) -> bool:
        """The kernel's own guard (open(2)): O_EXCL without O_CREAT fails while a block device is in use."""
        try:
            descriptor = os.open(device, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
        except OSError:
            return True  # EBUSY, or it cannot be opened at all: neither is free
        os.close(descriptor)
        return False

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()
