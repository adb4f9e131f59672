"""What the pool knows of one model."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from sigmavault.core.errors import ModelError
from sigmavault.ryzan.catalog import Entry
from sigmavault.ryzan.supervisor import Supervisor
from sigmavault.ryzan.vetting import Identity


@dataclass(slots=True, eq=False)
class Slot:
    """What the pool knows of one model that was asked for.

    Attributes:
        entry: the model.
        supervisor: of its process; None while it is not loaded.
        loading: the load that everybody waits for; None while there is none.
        need: bytes that are set aside for it.
        holds: callers that wait for it or are about to ask it.
        failure: why the last load failed.
        refused: the file that must not be tried again.
        dismissed: somebody unloaded it although it is pinned: it stays away until it is asked for.
    """

    entry: Entry
    supervisor: Supervisor | None = None
    loading: asyncio.Task[Supervisor] | None = None
    need: int = 0
    holds: int = 0
    failure: ModelError | None = None
    refused: Identity | None = None
    dismissed: bool = False
    used: float = field(default_factory=time.monotonic)

    @property
    def requests(self) -> int:
        """Requests being answered or waiting."""
        return self.holds + (self.supervisor.requests if self.supervisor else 0)

    @property
    def busy(self) -> bool:
        """Whether it must not be unloaded now."""
        return self.requests > 0 or self.loading is not None

    @property
    def idle_since(self) -> float:
        """When it was asked last, by the monotonic clock."""
        return max(self.used, self.supervisor.used if self.supervisor else 0.0)
