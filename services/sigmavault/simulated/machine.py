"""The simulated machine: programs that answer out of the state, files in a folder of its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sigmavault.core.errors import CommandError, CommandMissingError
from sigmavault.core.process import Result
from sigmavault.simulated import block, files, powering, settings, sharing, units, zfs, zpool
from sigmavault.simulated.command import RefusalError, Simulated
from sigmavault.simulated.description import Description
from sigmavault.simulated.state import State, state_of

PROGRAMS: Mapping[str, Callable[[Simulated], str]] = {
    **block.PROGRAMS, **powering.PROGRAMS, **settings.PROGRAMS, **sharing.PROGRAMS, **units.PROGRAMS,
    "zfs": zfs.zfs, "zpool": zpool.zpool,
}  # fmt: skip
"""What there is on the machine; any other program is not installed."""


class SimulatedMachine:
    """Satisfies `Machine`; nothing outside its own folder is read or written."""

    is_simulated = True

    def __init__(self, description: Description) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sigmavault-simulated-")
        self.root = Path(self._folder.name)
        self.state: State = state_of(description, self.now())
        files.write(self.root, self.state)

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "", check: bool = True) -> Result:
        """What the program would say.

        Raises:
            CommandError: it refuses (and `check` is on), or there is no such program here.
        """
        program = PROGRAMS.get(argv[0])
        if program is None:
            raise CommandMissingError(argv)
        asked = Simulated(argv=tuple(argv), stdin=stdin, state=self.state, now=self.now())
        try:
            said, status, complaint = program(asked), 0, ""
        except RefusalError as refusal:
            said, status, complaint = refusal.stdout, refusal.status, refusal.message
        files.write(self.root, self.state)
        if check and status:
            raise CommandError(argv, status, complaint)
        return Result(argv=tuple(argv), status=status, stdout=said, stderr=complaint, duration_s=0)

    def is_held(self, device: Path) -> bool:
        """As the kernel would: a disk of an imported pool, or one that is mounted."""
        disk = self.state.disk_at(str(device))
        if disk is None:
            return True
        pool = self.state.pools.get(disk.label)
        return (pool is not None and pool.imported) or any(each.mounted for each in disk.partitions)

    def now(self) -> float:
        """The clock is the real one."""
        return time.time()

    def close(self) -> None:
        """Remove its folder."""
        self._folder.cleanup()
