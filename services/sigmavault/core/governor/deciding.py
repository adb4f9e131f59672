"""How much CPU time the model gets: fast down, slow up. Pure: time comes in with what is seen.

    full ──── files are served, or a pool is scanned: at once ────▶ held
    held ──── hardly any CPU time is free even so, for some seconds ────▶ least
    held, least ──── nothing of that for `quiet_s` ────▶ full
    least ──── files are still served, with CPU time to spare for `quiet_s` ────▶ held

Quiet that does not last makes the next wait twice as long, up to 24 s: a load that comes and goes changes
nothing more often than every ten seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from sigmavault.core.budget import Budget
from sigmavault.core.governor.keys import CONTROL_KEYS, Layers, numbers, words
from sigmavault.core.governor.watching import Scan, Seen
from sigmavault.core.values import KIB, format_bytes

REST_S = 10.0
"""Between a change and the next one that can wait."""
LONGEST_QUIET_S = 24.0
"""Load ends → the quota is back, with what looking and acting take: within 30 s."""
_SOON_AGAIN_S = 60.0
"""A load that comes back within this time after the quota did was not over."""
_STILL = 0.5
"""What has begun is over below this part of what made it begin."""
_HARDLY = 1 / 16
"""Below this part of the traffic that is a load, what Samba's processes do is not for clients."""
_PRESSED_AFTER_S = 3.0
_SCARCE, _AMPLE = 0.08, 0.35
"""Part of the CPU time that nobody needs: below the first there is too little, above the second enough to
give the model more and still have some."""


class Level(StrEnum):
    """How much the model gets, from the most to the least."""

    FULL = "full"
    HELD = "held"
    LEAST = "least"


_ORDER = list(Level)


class Reason(StrEnum):
    """What the machine does, as far as it matters to the model."""

    IDLE = "idle"
    SERVING = "serving"
    PRESSED = "pressed"
    """Files are served, and hardly any CPU time is left."""
    SCRUB = "scrub"
    RESILVER = "resilver"


class ScanPolicy(StrEnum):
    """What becomes of the model while a pool is scanned."""

    IGNORE = "ignore"
    HOLD_BACK = "hold-back"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """When files are served, and what follows; see `budget.toml`.

    Attributes:
        traffic_kib_per_s: over the network, KiB per second.
        calls_per_s: of NFS clients.
        cpu_percent_of_core: of Samba.
        pressure_percent: part of the time in which Samba waits.
        quiet_s: seconds before the model gets more.
        while_scrubbing: while a scrub runs.
        while_resilvering: while a resilver runs.
    """

    traffic_kib_per_s: int
    calls_per_s: int
    cpu_percent_of_core: int
    pressure_percent: int
    quiet_s: int
    while_scrubbing: ScanPolicy
    while_resilvering: ScanPolicy

    @classmethod
    def of(cls, layers: Layers) -> Self:
        """From parsed TOML documents.

        Raises:
            ConfigError: an unknown section or key, a value that is not allowed, or a key set nowhere.
        """
        policies = {field: ScanPolicy(word) for field, word in words(layers, CONTROL_KEYS).items()}
        return cls(**numbers(layers, CONTROL_KEYS), **policies)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What would be right for what is seen now."""

    level: Level
    reason: Reason
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What was decided, and what of the past the next decision needs.

    Attributes:
        level: that holds.
        reason: what the machine does now.
        cause: why it was changed to that level.
        changed_at: when the level was changed last.
        full_since: since when all of the share would have been right without a break; None: it is not.
        held_since: … when more than the least would have been right.
        scarce_since: … when hardly any CPU time is free.
        quiet_s: how long more must be right before it is given.
        raised_at: when the model got all of its share back last.
    """

    level: Level
    reason: Reason
    cause: str
    changed_at: float
    quiet_s: float
    full_since: float | None = None
    held_since: float | None = None
    scarce_since: float | None = None
    raised_at: float | None = None


def quota_percent(level: Level, budget: Budget) -> int:
    """`CPUQuota=` of a level, where 100 is one core."""
    return {
        Level.FULL: budget.cpu_quota_percent,
        Level.HELD: budget.cpu_quota_serving_percent,
        Level.LEAST: budget.cpu_quota_least_percent,
    }[level]


def begin(seen: Seen, control: Control) -> State:
    """The first decision: nobody knows what was before, so nothing is waited for."""
    wanted = demand(seen, control, None)
    return State(
        level=wanted.level, reason=wanted.reason, cause=wanted.cause, changed_at=seen.at,
        quiet_s=float(control.quiet_s), raised_at=None,
    )  # fmt: skip


def decide(state: State, seen: Seen, control: Control) -> State:
    """The next state; its `level` differs from the last one's when something is to be done."""
    is_scarce = seen.idle is not None and seen.idle < _SCARCE
    state = replace(state, scarce_since=_since(state.scarce_since, seen.at, holds=is_scarce))
    wanted = demand(seen, control, state)
    state = replace(
        state, reason=wanted.reason,
        full_since=_since(state.full_since, seen.at, holds=wanted.level is Level.FULL),
        held_since=_since(state.held_since, seen.at, holds=wanted.level is not Level.LEAST),
    )  # fmt: skip
    if _is_lower(wanted.level, state.level):
        return _cut(state, wanted, seen.at, control)
    since = {Level.FULL: state.full_since, Level.HELD: state.held_since, Level.LEAST: None}[wanted.level]
    is_due = since is not None and seen.at - since >= state.quiet_s and seen.at - state.changed_at >= REST_S
    return _raise(state, wanted, seen.at) if is_due and wanted.level is not state.level else state


def demand(seen: Seen, control: Control, state: State | None) -> Demand:
    """What would be right now, were there no past but the state's thresholds."""
    scan = {
        Scan.NONE: ScanPolicy.IGNORE,
        Scan.SCRUB: control.while_scrubbing,
        Scan.RESILVER: control.while_resilvering,
    }[seen.scan]
    busy = Reason(seen.scan.value) if seen.scan is not Scan.NONE else Reason.IDLE
    if scan is ScanPolicy.PAUSE:
        return Demand(
            level=Level.LEAST, reason=busy, cause=f"a {seen.scan} runs, and the model pauses for it"
        )
    is_on = state is not None and state.level is not Level.FULL
    causes = tuple(serving_causes(seen, control, still=is_on))
    if causes and state is not None and _is_pressed(state, seen):
        idle = 0 if seen.idle is None else round(seen.idle * 100)
        return Demand(
            level=Level.LEAST, reason=Reason.PRESSED,
            cause=f"files are served ({'; '.join(causes)}) with {idle} % of the CPU time free",
        )  # fmt: skip
    if causes:
        return Demand(level=Level.HELD, reason=Reason.SERVING, cause=f"files are served: {'; '.join(causes)}")
    if scan is ScanPolicy.HOLD_BACK:
        return Demand(level=Level.HELD, reason=busy, cause=f"a {seen.scan} runs")
    return Demand(level=Level.FULL, reason=busy, cause="no files are served")


def serving_causes(seen: Seen, control: Control, *, still: bool) -> Iterator[str]:
    """Why files count as being served, a phrase each; none when they are not.

    Args:
        seen: the rates.
        control: the thresholds.
        still: they were served up to now, so that less is enough to go on.
    """
    part = _STILL if still else 1.0
    for name, rate in (("SMB", seen.smb_bytes_per_s), ("NFS", seen.nfs_bytes_per_s)):
        if rate is not None and rate >= part * control.traffic_kib_per_s * KIB:
            yield f"{name} {format_bytes(round(rate))}/s"
    if seen.nfs_calls_per_s is not None and seen.nfs_calls_per_s >= part * control.calls_per_s:
        yield f"NFS {seen.nfs_calls_per_s:.0f} calls/s"
    if _is_among_themselves(seen, control):
        return
    if seen.smb_cpu is not None and seen.smb_cpu * 100 >= part * control.cpu_percent_of_core:
        yield f"Samba {seen.smb_cpu * 100:.0f} % of a core"
    for name in ("cpu", "io", "memory"):
        waits = getattr(seen.files, name, 0.0)
        if waits * 100 >= part * control.pressure_percent:
            yield f"Samba waits {waits * 100:.0f} % of the time ({name})"


def _is_among_themselves(seen: Seen, control: Control) -> bool:
    """Whether hardly anything is moved, and that is known: then the daemons start, reload or stop."""
    if seen.smb_bytes_per_s is None and seen.smb_cpu is not None:
        return False  # Samba runs, and nobody counts what it moves
    moved = (seen.smb_bytes_per_s or 0.0) + (seen.nfs_bytes_per_s or 0.0)
    return moved < _HARDLY * control.traffic_kib_per_s * KIB


def _is_pressed(state: State, seen: Seen) -> bool:
    if state.level is Level.LEAST:
        return seen.idle is not None and seen.idle < _AMPLE
    return state.scarce_since is not None and (
        seen.at - max(state.scarce_since, state.changed_at) >= _PRESSED_AFTER_S
    )


def _cut(state: State, wanted: Demand, at: float, control: Control) -> State:
    """Less, at once; only from little to the least it can wait."""
    if state.level is not Level.FULL:
        if wanted.reason is Reason.PRESSED and at - state.changed_at < REST_S:
            return state
        return replace(state, level=wanted.level, cause=wanted.cause, changed_at=at)
    is_back = state.raised_at is not None and at - state.raised_at < _SOON_AGAIN_S
    quiet_s = min(2 * state.quiet_s, LONGEST_QUIET_S) if is_back else float(control.quiet_s)
    return replace(state, level=wanted.level, cause=wanted.cause, changed_at=at, quiet_s=quiet_s)


def _raise(state: State, wanted: Demand, at: float) -> State:
    if wanted.level is Level.FULL:
        return replace(state, level=wanted.level, cause="quiet again", changed_at=at, raised_at=at)
    cause = f"{wanted.cause}, with CPU time to spare"
    return replace(state, level=wanted.level, cause=cause, changed_at=at)


def _since(was: float | None, at: float, *, holds: bool) -> float | None:
    if not holds:
        return None
    return at if was is None else was


def _is_lower(one: Level, other: Level) -> bool:
    return _ORDER.index(one) > _ORDER.index(other)
