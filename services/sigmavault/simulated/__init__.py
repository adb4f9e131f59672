"""A machine for development that is not there: disks and pools out of a YAML file. See README.md."""

from __future__ import annotations

from pathlib import Path

from sigmavault.simulated.description import read_description
from sigmavault.simulated.machine import SimulatedMachine

__all__ = ["SimulatedMachine", "load"]


def load(description: Path) -> SimulatedMachine:
    """The machine that a file describes, just switched on.

    Raises:
        ConfigError: the file is not there, or something in it cannot be.
    """
    return SimulatedMachine(read_description(description))
