"""Looks at the machine each second, decides, and has systemd and ZFS do it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sdbus import SdBus

from sigmavault.budget.here import limit_arc
from sigmavault.contract.governor1 import StatusKey
from sigmavault.core.budget import MODEL_CPU_WEIGHT, Budget, Machine
from sigmavault.core.cgroups import MODEL_SLICE
from sigmavault.core.errors import ServiceUnavailableError
from sigmavault.core.governor.deciding import Control, Level, State, begin, decide, quota_percent
from sigmavault.core.governor.history import Change, History
from sigmavault.core.governor.lending import Loans, arc_limit
from sigmavault.core.governor.turns import Turns
from sigmavault.core.governor.watching import Arc, Seen, compare
from sigmavault.core.values import format_bytes
from sigmavault.governor.looking import Looker
from sigmavault.governor.scans import ScanWatch
from sigmavault.system import memory, pressure, unit_control

_LOOK_S = 1.0
_AVAILABLE_PERCENT = 90
"""Of MemAvailable, what a model may count on without the ARC; as `core.residency` has it."""
_SHRINK_S = 5.0
"""How long a borrower waits for the ARC to become as small as it was told to be."""
_SHRINK_LOOK_S = 0.05
_GIVE_UP_S = 60.0
"""Of systemd's not taking a quota: a connection that is lost comes back with a new process only."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What holds on this machine for as long as the daemon runs."""

    machine: Machine
    budget: Budget
    control: Control


class Governor:
    """The daemon's one loop, and what others ask of it."""

    def __init__(
        self, root: Path, bus: SdBus, setting: Setting, scans: ScanWatch, tell: Callable[[Change], object]
    ) -> None:
        self._root, self._bus, self._setting, self._scans, self._tell = root, bus, setting, scans, tell
        self._looker = Looker(root, bus)
        self._history = History()
        self._loans, self._lending = Loans(), asyncio.Lock()
        self._state: State | None = None
        self._seen: Seen | None = None
        self._since = time.time()
        self._turns = Turns()
        self._applied: tuple[int, int] | None = None
        """Quota and weight that systemd has taken."""
        self._refused_at: float | None = None

    async def run(self) -> None:
        """Look and act until cancelled.

        Raises:
            SigmaVaultError: the ZFS module does not take the budget, or systemd no quota for a minute.
        """
        limit_arc(self._root, arc_limit(self._setting.budget, self._loans))
        before = await self._looker.look(self._scans.scan)
        while True:
            await asyncio.sleep(_LOOK_S)
            now = await self._looker.look(self._scans.scan)
            await self._follow(compare(before, now))
            before = now

    async def lend(self, borrower: str, purpose: str, need: int) -> int:
        """Lower the limit of the ARC by what a model lacks; returns the bytes that are lent.

        Args:
            borrower: unique name on the bus; what it has is given back when it leaves.
            purpose: what it is for; a second loan for the same takes the place of the first.
            need: bytes that the model will take; 0 gives the loan back.

        Raises:
            SigmaVaultError: the ZFS module does not take the limit.
        """
        async with self._lending:
            lacking = need - memory.read_memory(self._root).available * _AVAILABLE_PERCENT // 100
            has_zfs = pressure.arc(self._root) is not None
            wanted = lacking if need and has_zfs else 0
            self._set_loans(self._loans.lend(borrower, purpose, wanted, self._setting.budget))
            lent = self._loans.lent.get((borrower, purpose), 0)
            if lent:
                await self._shrunk()
            return lent

    def forget(self, borrower: str) -> None:
        """A caller has left the bus: what it had is given back."""
        self._set_loans(self._loans.without(borrower))

    def status(self) -> str:
        """See `StatusKey`."""
        state, seen = self._state, self._seen
        quota = self._quota()
        told: dict[str, Any] = {
            StatusKey.SINCE: self._since,
            StatusKey.STATE: state.reason if state else "starting",
            StatusKey.CAUSE: state.cause if state else "nothing was looked at yet",
            StatusKey.CPU_PERCENT: self._percent(quota),
            StatusKey.CPU_QUOTA_PERCENT: quota,
            StatusKey.IS_APPLIED: self._applied is not None and quota == self._applied[0],
            StatusKey.NOW: None if seen is None else _now(seen),
            StatusKey.ARC: _arc(seen.arc if seen else None, self._loans),
            StatusKey.HISTORY: self._history.to_json(),
        }
        return json.dumps(told)

    async def _follow(self, seen: Seen) -> None:
        control = self._setting.control
        old, self._seen = self._state, seen
        state = begin(seen, control) if old is None else decide(old, seen, control)
        self._state = state
        quota = quota_percent(state.level, self._setting.budget)
        if old is None or state.level is not old.level:
            self._since = time.time()
            self._note(state)
        self._turns = self._turns.after(seen, quota)
        wanted = quota, self._weight(state)
        if wanted != self._applied:
            await self._apply(*wanted)
        self._history.add(seen, self._percent(quota) or 0)

    def _note(self, state: State) -> None:
        percent = self._percent(self._quota()) or 0
        _log.info("the model gets %d %% of the machine: %s", percent, state.cause)
        change = Change(at=self._since, state=state.reason, cause=state.cause, cpu_percent=percent)
        self._history.changes.append(change)
        self._tell(change)

    async def _apply(self, quota: int, weight: int) -> None:
        """Have systemd set both; what fails is tried again at the next look, and told once.

        Raises:
            ServiceUnavailableError: it has failed for a minute. Somebody who starts anew may do better.
        """
        try:
            await unit_control.set_cpu(self._bus, MODEL_SLICE, quota, weight)
        except ServiceUnavailableError as error:
            now = time.monotonic()
            if self._refused_at is None:
                _log.error("the quota of the model is not changed, and tried again: %s", error)
                self._refused_at = now
            if now - self._refused_at > _GIVE_UP_S:
                raise
            return
        if self._refused_at is not None:
            _log.info("systemd takes the quota of the model again")
        self._applied, self._refused_at = (quota, weight), None

    def _set_loans(self, loans: Loans) -> None:
        before, self._loans = self._loans, loans
        if loans.total == before.total:
            return
        limit = arc_limit(self._setting.budget, loans)
        try:
            limit_arc(self._root, limit)
        except BaseException:
            self._loans = before
            raise
        _log.info("the ZFS cache lends %s to models, and may take %s",
                  format_bytes(loans.total), format_bytes(limit))  # fmt: skip

    async def _shrunk(self) -> None:
        end = time.monotonic() + _SHRINK_S
        limit = arc_limit(self._setting.budget, self._loans)
        while (now := pressure.arc(self._root)) is not None and now.size > limit:
            if time.monotonic() >= end:
                _log.info("the ZFS cache is still at %s", format_bytes(now.size))
                return
            await asyncio.sleep(_SHRINK_LOOK_S)

    def _quota(self) -> int | None:
        return None if self._state is None else quota_percent(self._state.level, self._setting.budget)

    def _weight(self, state: State) -> int:
        """A share of a busy CPU; while files are served only what nobody else wants, but for a turn."""
        is_weighed = state.level is Level.FULL or self._turns.is_turn
        return MODEL_CPU_WEIGHT if is_weighed else unit_control.IDLE

    def _percent(self, quota: int | None) -> int | None:
        return None if quota is None else round(quota / self._setting.machine.cpus)


def _now(seen: Seen) -> dict[str, Any]:
    told = asdict(seen)
    return {key: value for key, value in told.items() if key not in ("at", "arc")}


def _arc(now: Arc | None, loans: Loans) -> dict[str, int] | None:
    if now is None:
        return None
    return {"size": now.size, "most": now.most, "lent": loans.total}
