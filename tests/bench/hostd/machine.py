"""A large simulated machine whose programs are timed, so that their time can be taken off the daemon's."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sigmavault.core.process import Result
from sigmavault.hostd.bus.manager import ManagerObject
from sigmavault.hostd.main import run
from sigmavault.simulated.description import (
    Description,
    SimulatedDataset,
    SimulatedDisk,
    SimulatedPool,
    SimulatedVdev,
)
from sigmavault.simulated.machine import SimulatedMachine

POOLS, DATASETS, DISKS = 10, 100, 4
_DISK_BYTES = 4_000_787_030_016


def description() -> Description:
    """Ten pools of four disks, a hundred datasets with a snapshot each in every one of them."""
    disks, pools = [], []
    for number in range(POOLS):
        name = f"pool-{number}"
        members = [
            SimulatedDisk(name=f"ata-DISK_{number}_{at}", serial=f"SERIAL{number}{at}", model="DISK",
                          size_bytes=_DISK_BYTES, temperature_c=33)
            for at in range(DISKS)
        ]  # fmt: skip
        disks += members
        vdev = SimulatedVdev(kind="raidz1", disks=tuple(disk.name for disk in members))
        datasets = tuple(
            SimulatedDataset(name=f"{name}/data-{at}", used_bytes=at, snapshots=("manual_2026",))
            for at in range(DATASETS)
        )
        pools.append(SimulatedPool(name=name, data=(vdev,), datasets=datasets))
    return Description(name="large", about="for measuring", disks=tuple(disks), pools=tuple(pools))


class Notes:
    """What happened when: begin and end, seconds of the monotonic clock."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("a", buffering=1, encoding="ascii")

    def write(self, what: str, begin: float) -> None:
        """Something that ends now."""
        self._file.write(json.dumps([what, begin, time.monotonic()]) + "\n")


class TimedMachine(SimulatedMachine):
    """Writes down when its programs ran. Each says the same every time, because nothing is changed.

    What they say is kept: real programs are other processes, and leave nothing in the daemon's memory
    and caches but their text.
    """

    def __init__(self, notes: Notes) -> None:
        super().__init__(description())
        self._notes = notes
        self._said: dict[tuple[str, ...], Result] = {}

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "", check: bool = True) -> Result:
        """As any simulated machine does it, the first time."""
        begin, words = time.monotonic(), tuple(argv)
        try:
            if words not in self._said:
                self._said[words] = super().run(argv, timeout_s=timeout_s, stdin=stdin, check=check)
            return self._said[words]
        finally:
            self._notes.write("program", begin)


def time_reads(notes: Notes) -> None:
    """Write down how long the daemon has each read, from the call that came to the answer that goes."""
    read_for = ManagerObject.read_for

    async def timed(
        self: ManagerObject, sender: str, operation: str, arguments: str, *, interactive: bool
    ) -> str:
        begin = time.monotonic()
        try:
            return await read_for(self, sender, operation, arguments, interactive=interactive)
        finally:
            notes.write(operation, begin)

    ManagerObject.read_for = timed  # type: ignore[method-assign]


if __name__ == "__main__":
    assert os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
    kept = Notes(Path(sys.argv[1]))
    time_reads(kept)
    sys.exit(run(TimedMachine(kept)))
