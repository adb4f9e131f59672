"""Makes a disk blank, and looks whether it is. For `disk.wipe`, and for what takes a disk with data on it."""

from __future__ import annotations

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Machine, Outcome, Work
from sigmavault.core.storage import wiping
from sigmavault.core.storage.disks import Disk
from sigmavault.core.values import format_bytes
from sigmavault.system import disks, zeroes


def wipe(machine: Machine, disk: Disk, work: Work, *, is_full: bool = False) -> None:
    """Make a disk blank that nothing uses (`disks.take`).

    The quick part comes first: a full wipe that is cancelled leaves a disk on which nobody finds a signature.

    Raises:
        CommandError: wipefs or udevadm failed.
        OperationError: the disk is in use, is another one, fails, or is not blank afterwards.
        OperationCancelledError: somebody has cancelled.
    """
    erase, ends, *_ = wiping.steps(disk, is_full=is_full)
    work.progress(erase.text, 0.0)
    machine.run(erase.argv, timeout_s=erase.timeout_s)
    work.progress(ends.text, 0.0)
    zeroes.write(machine, disk, wiping.ends(disk), _nobody_hears)
    if is_full:
        text = f"Write zeroes over {disk.called}, {format_bytes(disk.size_bytes)}"
        zeroes.write(machine, disk, wiping.everything(disk), lambda done: work.progress(text, done))
    machine.run(wiping.SETTLE, timeout_s=60.0)
    left = _left(machine, disk)
    if left is None:
        raise OperationError(f"{disk.called} cannot be read after it was wiped")
    if left:
        raise OperationError(f"{disk.called} was wiped, and still has {', '.join(left)}")


def outcome(machine: Machine, disk: Disk, *, is_full: bool) -> Outcome:
    """How a wipe ended that nobody saw ending: something is left, or the ends are blank.

    Whether all of the disk was overwritten nobody can tell without reading all of it.
    """
    try:
        left = _left(machine, disk)
        if left is None:
            return Outcome.UNKNOWN
        now = disks.resolve(machine, disk.name, disks.disks(machine, pools=()))
        if left or not zeroes.is_zero(machine, now, wiping.ends(now)):
            return Outcome.FAILED
    except OperationError:
        return Outcome.UNKNOWN
    return Outcome.UNKNOWN if is_full else Outcome.FINISHED


def _left(machine: Machine, disk: Disk) -> tuple[str, ...] | None:
    """What is found on a disk; None when it cannot be read."""
    now = disks.resolve(machine, disk.name, disks.disks(machine, pools=()))
    (looked,) = disks.probed(machine, (now,))
    if looked.signatures is None:
        return None
    return tuple(f"{each.type} on {each.device}" for each in looked.signatures)


def _nobody_hears(_done: float) -> None:
    """The ends are written within a second or two: nothing to tell."""
