"""A large simulated machine whose programs are timed, so that their time can be taken off the daemon's."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sigmavault.core.process import Result
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


class TimedMachine(SimulatedMachine):
    """Writes down when its programs ran: begin and end, seconds of the monotonic clock."""

    def __init__(self, notes: Path) -> None:
        super().__init__(description())
        self._notes = notes.open("a", buffering=1, encoding="ascii")

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "", check: bool = True) -> Result:
        """As any simulated machine does it."""
        begin = time.monotonic()
        try:
            return super().run(argv, timeout_s=timeout_s, stdin=stdin, check=check)
        finally:
            self._notes.write(json.dumps([begin, time.monotonic()]) + "\n")


if __name__ == "__main__":
    assert os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
    sys.exit(run(TimedMachine(Path(sys.argv[1]))))
