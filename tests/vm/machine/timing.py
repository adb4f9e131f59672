"""Waiting: one factor for slow machines, and one loop that everything which waits goes through."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.vm.machine.accel import Accel
from tests.vm.machine.errors import GuestError

FACTOR = {Accel.KVM: 1.0, Accel.TCG: 6.0}
"""How much longer a time limit is than on a machine with hardware virtualisation."""


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Stretches time limits, which tests state for a machine with hardware virtualisation."""

    factor: float = 1.0

    @classmethod
    def of(cls, accel: Accel, *, slower: float = 1.0) -> TimeScale:
        """The scale of an accelerator on a host that is `slower` times slower than usual (never < 1)."""
        return cls(FACTOR[accel] * max(1.0, slower))

    def limit(self, seconds: float) -> float:
        """`seconds` of a fast machine, on this one."""
        return seconds * self.factor


def retry(
    attempt: Callable[[bool], bool],
    *,
    timeout_s: float,
    what: str,
    interval_s: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Call `attempt` until it returns true, and once more after the time is up.

    The argument of `attempt` tells it that this is the last try, so that it can raise with the reason
    instead of returning false.

    Returns:
        seconds that passed.

    Raises:
        GuestError: not true in `timeout_s`; names `what`.
    """
    start = clock()
    while clock() - start < timeout_s:
        if attempt(False):
            return clock() - start
        sleep(interval_s)
    if attempt(True):
        return clock() - start
    raise GuestError(f"{what}: not within {timeout_s:.0f} s")
