"""How fast: the limit, the speed that is told, the rests between attempts, and what counts as stalled.

All take the time as an argument, in seconds of any clock that does not jump.
"""

from __future__ import annotations

from typing import Final

STALLED_S: Final = 30.0
"""A transfer that brings less than `STALLED_BYTES` in this time is broken off."""
STALLED_BYTES: Final = 16 * 1024
MOST_ATTEMPTS: Final = 8
"""In a row without a byte of progress; then it is given up."""

_RESTS_S: Final = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
_HALF_LIFE_S: Final = 3.0
_BURST_S: Final = 0.25


def rest_s(attempt: int, retry_after_s: int = 0) -> float:
    """How long to wait after so many failures in a row (from 1)."""
    return max(_RESTS_S[min(max(attempt, 1), len(_RESTS_S)) - 1], float(retry_after_s))


class Limit:
    """Lets so many bytes through each second, on average."""

    def __init__(self, bytes_s: int, now: float) -> None:
        """`bytes_s`: 0 is no limit."""
        self.bytes_s = bytes_s
        self._free_at = now

    def wait_s(self, size: int, now: float) -> float:
        """How long to wait before the next read, now that so many bytes have come."""
        if not self.bytes_s:
            return 0.0
        # what was not used is lost, beyond a short burst: a pause is not made up for afterwards
        self._free_at = max(self._free_at, now - _BURST_S) + size / self.bytes_s
        return max(0.0, self._free_at - now)


class Speed:
    """Bytes per second of late: what counts halves every three seconds."""

    def __init__(self, now: float) -> None:
        self._at = now
        self._bytes = 0
        self._value: float | None = None

    def add(self, size: int, now: float) -> None:
        """So many bytes have come."""
        self._bytes += size
        took = now - self._at
        if took < 0.2:  # shorter ones say little
            return
        fresh = self._bytes / took
        kept = 0.5 ** (took / _HALF_LIFE_S)
        self._value = fresh if self._value is None else kept * self._value + (1 - kept) * fresh
        self._at, self._bytes = now, 0

    def bytes_s(self, now: float) -> float:
        """How fast it is; it falls while nothing comes."""
        if self._value is None:
            return self._bytes / max(now - self._at, 0.001)
        idle = max(0.0, now - self._at - 1.0)
        return float(self._value * 0.5 ** (idle / _HALF_LIFE_S))


def seconds_left(left: int, bytes_s: float) -> int | None:
    """How long it still takes; None where nobody can say."""
    return round(left / bytes_s) if bytes_s >= 1 else None


class Stall:
    """Notices that a transfer does not get on."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._bytes = 0

    def look(self, bytes_: int, now: float) -> bool:
        """Whether too little has come for too long; `bytes_` is the count since the beginning."""
        if bytes_ - self._bytes >= STALLED_BYTES:
            self._since, self._bytes = now, bytes_
        return now - self._since > STALLED_S
