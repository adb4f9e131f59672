"""Leaves a failing server alone for a while, then tries it with one request."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum, auto


class Verdict(Enum):
    """How a server did with one request."""

    WORKED = auto()
    FAILED = auto()
    """It is gone, or answers nonsense."""
    UNKNOWN = auto()
    """Whoever asked left before anything was known."""


class Breaker:
    """Closed while the server works; open after a failure; after a pause one request may try it."""

    def __init__(self, pause_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_s = pause_s
        self._clock = clock
        self._failed_at: float | None = None
        self._probing = False

    @property
    def is_closed(self) -> bool:
        """Whether the server works, as far as anybody knows."""
        return self._failed_at is None

    def admits(self) -> bool:
        """Whether a request may be sent now; the one that tries must report how it went."""
        if self._failed_at is None:
            return True
        if self._probing or self._clock() - self._failed_at < self._pause_s:
            return False
        self._probing = True
        return True

    def report(self, verdict: Verdict) -> None:
        """How an admitted request went."""
        self._probing = False
        if verdict is Verdict.WORKED:
            self._failed_at = None
        elif verdict is Verdict.FAILED:
            self._failed_at = self._clock()
