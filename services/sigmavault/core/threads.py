"""How many threads compute: from what the kernel lets us use, not from how many CPUs there are.

More threads than CPU time makes generation tens of times slower: the threads of one matrix product
wait for each other by spinning, and those that the quota has stopped hold up the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

MOST_THREADS = 8
"""Generation is bound by memory bandwidth: beyond this it gets no faster, often slower."""

FEW_CORES = 4
"""Up to this many CPUs, hardware threads of one core are counted as CPUs of their own: there is
bandwidth to spare, and virtual machines often present real cores as siblings."""

AS_FAST = 0.97
"""Rates that are this close are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuView:
    """What the kernel lets this process use.

    Attributes:
        allowed: numbers of the CPUs in its affinity mask.
        siblings: for each allowed CPU, the CPUs that share its core, itself included.
        quota: CPU time per time of the tightest control group above it; None where there is no limit.
    """

    allowed: frozenset[int]
    siblings: tuple[frozenset[int], ...]
    quota: float | None

    @property
    def cores(self) -> int:
        """Physical cores that the allowed CPUs are on."""
        return len({group & self.allowed for group in self.siblings}) or len(self.allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPlan:
    """The decision.

    Attributes:
        threads: how many compute when one answer is written.
        reason: what decided it, for people.
        prefill: how many compute when prompts are read or several answers written: that is bound by
            arithmetic, not by memory.
    """

    threads: int
    reason: str
    prefill: int


def parse_cpu_max(text: str) -> float | None:
    """CPUs that a `cpu.max` file grants: `150000 100000` is 1.5; `max 100000` is None."""
    fields = text.split()
    if len(fields) != 2 or fields[0] == "max":
        return None
    return int(fields[0]) / int(fields[1])


def parse_cpu_list(text: str) -> frozenset[int]:
    """The set of a kernel's CPU list: `0-2,8` is {0, 1, 2, 8}."""
    found: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def tightest(quotas: Iterable[float | None]) -> float | None:
    """The smallest of the limits that are set."""
    return min((each for each in quotas if each is not None), default=None)


def plan_threads(view: CpuView) -> ThreadPlan:
    """Threads for generation: physical cores, within affinity, quota and what memory can feed."""
    logical = len(view.allowed)
    usable = logical if logical <= FEW_CORES else view.cores
    threads = min(usable, MOST_THREADS)
    what = "CPU" if usable == logical else "core"
    reason = f"{usable} {what}{'s' if usable != 1 else ''}"
    # 1.6 CPUs are worth a second thread, 1.2 are not: it would wait stopped most of the time
    granted = usable if view.quota is None else min(usable, max(1, int(view.quota + 0.5)))
    if threads < usable:
        reason += f", memory feeds {MOST_THREADS}"
    if granted < threads:
        return ThreadPlan(
            threads=granted, reason=f"quota of {view.quota:g} CPUs on {reason}", prefill=granted
        )  # fmt: skip
    return ThreadPlan(threads=threads, reason=reason, prefill=granted)


def candidates(plan: ThreadPlan) -> tuple[int, ...]:
    """Thread counts worth trying before the plan's own is believed; none where there is no choice."""
    most = plan.threads
    if most == 1:
        return ()
    return tuple(sorted({most, (3 * most + 3) // 4, (most + 1) // 2}, reverse=True))


def choose_threads(plan: ThreadPlan, measured: Mapping[int, float]) -> ThreadPlan:
    """The plan, with what a measurement on this machine says.

    Args:
        plan: the most that may compute.
        measured: tokens per second by thread count; empty: nothing was measured.

    Fewer threads are taken where they are as fast: the others are free for serving files then.
    """
    known = {count: rate for count, rate in measured.items() if count <= plan.threads}
    if not known:
        return plan
    enough = AS_FAST * max(known.values())
    threads = min(count for count, rate in known.items() if rate >= enough)
    told = ", ".join(f"{count}: {rate:.1f}" for count, rate in sorted(measured.items()))
    return replace(plan, threads=threads, reason=f"{plan.reason}; tokens/s measured with threads {told}")
