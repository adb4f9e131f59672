"""What the ARC lends to a model that is being loaded. Pure.

The limit that holds is the budget's less what is lent, so nothing has to be remembered to undo it: whoever
starts anew begins with the budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sigmavault.core.budget import Budget

_MOST_LOANS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Loans:
    """What is lent, in bytes, by borrower (a connection on the bus) and what it is for (a model)."""

    lent: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return sum(self.lent.values())

    def lend(self, borrower: str, purpose: str, wanted: int, budget: Budget) -> Loans:
        """Lend what is wanted, or as much of it as there is; takes the place of an earlier loan for the same.

        Args:
            borrower: unique name on the bus.
            purpose: what it is for.
            wanted: bytes; 0 gives the loan back.
            budget: of this machine.
        """
        others = {key: size for key, size in self.lent.items() if key != (borrower, purpose)}
        room = budget.arc_max_bytes - budget.arc_keep_bytes - sum(others.values())
        size = min(max(0, wanted), max(0, room))
        if size and len(others) < _MOST_LOANS:
            others[borrower, purpose] = size
        return Loans(lent=others)

    def without(self, borrower: str) -> Loans:
        """A borrower has left: what it had is given back."""
        return Loans(lent={key: size for key, size in self.lent.items() if key[0] != borrower})


def arc_limit(budget: Budget, loans: Loans) -> int:
    """Bytes for `zfs_arc_max`."""
    return budget.arc_max_bytes - loans.total
