"""The first console of a headless machine: the assistant until the machine is set up, then the login.

It takes the place of agetty(8) in getty@tty1.service and becomes it. So the login comes whatever happens
here, and the assistant is offered again after a logout, for as long as it is asked for.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Final

from sigmavault.cli.main import main as sigmavault

AGETTY: Final = "/sbin/agetty"
_TO_READ_S: Final = 5.0


def main(argv: Sequence[str]) -> None:
    """Offer the assistant, then become agetty with these arguments."""
    try:
        status = sigmavault(["setup", "--if-asked-for"])
    except Exception as error:
        sys.stderr.write(f"sigmavault: {error}\n")
        status = 1
    if status:
        time.sleep(_TO_READ_S)  # what was told is not hidden by the login at once
    os.execv(AGETTY, [AGETTY, *argv])  # noqa: S606 - no shell, and no child that is left
