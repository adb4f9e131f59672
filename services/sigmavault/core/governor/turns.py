"""A turn for a model that has been left without CPU time. Pure: time comes in as looks, one each second.

`CPUWeight=idle` gives the model only what nobody else needs. Where file serving needs all of it, that is
nothing for as long as a copy takes, and an answer would stop, not slow down. So a model that waited in vain
for some looks has a weight again for one: it gets what its quota grants, and then waits again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from sigmavault.core.governor.watching import Seen

PATIENCE = 5
"""Looks without CPU time before a turn. With the least quota, 10 % of the machine, turns take 1.7 % of it."""
_WAITS = 0.5
"""Pressure above which the model wants to compute. For one that gets nothing at all, beside two endless loops
on two CPUs, it was 0.55 to 0.85: the kernel averages over CPUs (psi.rst)."""
_IN_VAIN = 0.2
"""Part of its quota below which it has got nothing to speak of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """What is remembered from look to look.

    Attributes:
        waited: looks in a row in which the model waited in vain.
    """

    waited: int = 0

    @property
    def is_turn(self) -> bool:
        """Whether the model has a weight until the next look."""
        return self.waited >= PATIENCE

    def after(self, seen: Seen, quota_percent: int) -> Self:
        """The next state.

        Args:
            seen: what happened since the last look.
            quota_percent: what the model may have, where 100 is one core.
        """
        if self.is_turn or not _is_in_vain(seen, quota_percent):
            return type(self)()
        return type(self)(waited=self.waited + 1)


def _is_in_vain(seen: Seen, quota_percent: int) -> bool:
    if seen.model is None or seen.model_cpu is None:
        return False
    return seen.model.cpu >= _WAITS and seen.model_cpu * 100 < _IN_VAIN * quota_percent
