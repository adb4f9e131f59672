"""Nobody but root gets more than a fair part of the daemon: neither its time nor the audit's room.

Each user may call in bursts, but not all day long: the log of old changes must not be pushed out by somebody
who asks the same question a million times. Pure: the clock is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sigmavault.core.errors import TooManyCallsError

BURST = 300
"""Calls at once, after a rest."""
PER_SECOND = 20.0
"""Calls in the long run."""
AT_ONCE = 8
"""Calls of one user that are being answered."""
_TOLD_EVERY_S = 60.0


class Fairness:
    """How much each user has asked."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that only go forward."""
        self._clock = clock
        self._left: dict[int, tuple[float, float]] = {}
        self._inside: dict[int, int] = {}
        self._told: dict[int, float] = {}

    @contextmanager
    def call(self, uid: int) -> Iterator[None]:
        """Answer a call of a user inside this block.

        Raises:
            TooManyCallsError: the user calls too often.
        """
        if uid == 0:
            yield
            return
        self._spend(uid)
        inside = self._inside.get(uid, 0)
        if inside >= AT_ONCE:
            raise TooManyCallsError(f"{inside} calls of this user are being answered", "wait for one of them")
        self._inside[uid] = inside + 1
        try:
            yield
        finally:
            self._leave(uid)

    def is_news(self, uid: int) -> bool:
        """Whether a refusal is worth a record: once a minute, or the log would be filled by refusals."""
        now = self._clock()
        is_news = now - self._told.get(uid, -_TOLD_EVERY_S) >= _TOLD_EVERY_S
        if is_news:
            self._told[uid] = now
        return is_news

    def _leave(self, uid: int) -> None:
        self._inside[uid] -= 1
        if not self._inside[uid]:
            del self._inside[uid]

    def _spend(self, uid: int) -> None:
        now = self._clock()
        left, since = self._left.get(uid, (float(BURST), now))
        left = min(BURST, left + (now - since) * PER_SECOND)
        if left < 1:
            self._left[uid] = (left, now)
            raise TooManyCallsError(f"more than {PER_SECOND:g} calls a second of this user", "ask less often")
        self._left[uid] = (left - 1, now)
