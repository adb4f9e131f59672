"""How fast the engine is, and what that allows the next step. Pure."""

from __future__ import annotations

from collections import deque


class Meter:
    """Tokens per second over the last seconds of work."""

    def __init__(self, window_s: float = 10.0) -> None:
        self._window_s = window_s
        self._steps: deque[tuple[float, int]] = deque()
        self._seconds = 0.0
        self.tokens = 0
        """Chosen in that time."""

    def add(self, seconds: float, tokens: int) -> None:
        """Count one step that chose tokens."""
        self._steps.append((seconds, tokens))
        self._seconds += seconds
        self.tokens += tokens
        while len(self._steps) > 1 and self._seconds > self._window_s:
            seconds, tokens = self._steps.popleft()
            self._seconds -= seconds
            self.tokens -= tokens

    @property
    def rate(self) -> float:
        """Tokens per second; 0 before the first."""
        return self.tokens / self._seconds if self._steps else 0.0


class Pace:
    """How many tokens a step may compute, so that it does not take too long.

    A step holds up the answers that are being written, and a cancelled request stays for one. Bigger steps
    are faster per token, up to a point.
    """

    ALONE_S = 1.0
    BESIDE_S = 0.15
    LEAST = 16

    def __init__(self, most: int) -> None:
        self._most = most
        self._rate = 0.0

    def add(self, seconds: float, tokens: int) -> None:
        """Learn from a step."""
        if tokens >= self.LEAST and seconds > 0:
            rate = tokens / seconds
            self._rate = rate if self._rate == 0 else 0.7 * self._rate + 0.3 * rate

    def tokens(self, *, beside: int) -> int:
        """Tokens of the next step, beside so many answers that are being written."""
        if self._rate == 0:
            return min(self._most, 4 * self.LEAST + beside)
        limit_s = self.BESIDE_S if beside else self.ALONE_S
        return min(self._most, max(self.LEAST + beside, int(self._rate * limit_s)))


def share(budget: int, wanted: list[int]) -> list[int]:
    """Split a budget into equal shares, none more than wanted; what one leaves goes to the others."""
    given = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    for place, index in enumerate(order):
        given[index] = min(wanted[index], budget // (len(order) - place))
        budget -= given[index]
    return given
