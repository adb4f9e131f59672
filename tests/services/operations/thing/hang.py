from __future__ import annotations

import time

from sigmavault.core.operation import Machine, NoAnswer, NoArguments, Read


class Hang(Read[NoArguments, NoAnswer]):
    """What hangs in the kernel, as seen from outside."""

    name = "thing.hang"
    summary = "Never answer"

    def read(self, arguments: NoArguments, machine: Machine) -> NoAnswer:
        time.sleep(3600)
        return NoAnswer()
