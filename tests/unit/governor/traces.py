"""Courses of a load for the tests of the decision, a look each second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sigmavault.core.budget import Machine, Shares, compute_budget
from sigmavault.core.governor.deciding import Control, Level, ScanPolicy, State, begin, decide
from sigmavault.core.governor.watching import Pressure, Seen
from sigmavault.core.values import GIB, MIB

CONTROL = Control(
    traffic_kib_per_s=1024, calls_per_s=100, cpu_percent_of_core=3, pressure_percent=10, quiet_s=12,
    while_scrubbing=ScanPolicy.HOLD_BACK, while_resilvering=ScanPolicy.HOLD_BACK,
)  # fmt: skip
SHARES = Shares(
    model_cpu_percent=80, model_cpu_serving_percent=30, model_cpu_least_percent=10, model_memory_percent=70,
    model_io_weight=20, arc_percent=25, arc_keep_percent=10,
)  # fmt: skip
BUDGET = compute_budget(Machine(cpus=2, memory_bytes=4 * GIB), SHARES)

CALM = Pressure(cpu=0.0, io=0.0, memory=0.0)


def quiet(at: float, **more: object) -> Seen:
    values = {"smb_bytes_per_s": 0.0, "smb_cpu": 0.0, "nfs_bytes_per_s": 0.0, "nfs_calls_per_s": 0.0,
              "idle": 0.6, "files": CALM}  # fmt: skip
    return Seen(at=at, **{**values, **more})  # type: ignore[arg-type]


def busy(at: float, **more: object) -> Seen:
    return quiet(at, **{"smb_bytes_per_s": 80.0 * MIB, "smb_cpu": 0.6, "idle": 0.3, **more})


@dataclass(frozen=True)
class Step:
    """A change: when, from what to what, and the state then."""

    at: float
    old: Level
    state: State

    @property
    def level(self) -> Level:
        return self.state.level


def follow(trace: Iterable[Seen], control: Control = CONTROL) -> list[Step]:
    """The changes that a trace makes, after the first decision."""
    looks = iter(trace)
    state = begin(next(looks), control)
    steps = []
    for seen in looks:
        after = decide(state, seen, control)
        if after.level is not state.level:
            steps.append(Step(seen.at, state.level, after))
        state = after
    return steps


def on_off(on_s: int, off_s: int, seconds: int = 300, begins_at: int = 20) -> Iterator[Seen]:
    for at in range(seconds + begins_at):
        is_on = at >= begins_at and (at - begins_at) % (on_s + off_s) < on_s
        yield busy(at) if is_on else quiet(at)
