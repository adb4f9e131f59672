from __future__ import annotations

import pytest
from sigmavault.core.threads import (
    CpuView,
    candidates,
    choose_threads,
    parse_cpu_list,
    parse_cpu_max,
    plan_threads,
    tightest,
)


def machine(
    cores: int, *, per_core: int = 1, quota: float | None = None, allowed: int | None = None
) -> CpuView:
    """Linux numbers the second hardware threads after all first ones."""
    count = cores * per_core
    mask = frozenset(range(allowed or count))
    groups = tuple(frozenset(range(cpu % cores, count, cores)) for cpu in sorted(mask))
    return CpuView(allowed=mask, siblings=groups, quota=quota)


@pytest.mark.parametrize(
    ("view", "threads", "reason"),
    [
        (machine(1), 1, "1 CPU"),
        (machine(2), 2, "2 CPUs"),
        (machine(1, per_core=2), 2, "2 CPUs"),  # a small virtual machine: siblings may be real cores
        (machine(2, per_core=2), 4, "4 CPUs"),
        (machine(4), 4, "4 CPUs"),  # N100
        (machine(6, per_core=2), 6, "6 cores"),  # Ryzen 5 5600G
        (machine(8, per_core=2), 8, "8 cores"),  # Ryzen 7 7700X
        (machine(16, per_core=2), 8, "16 cores, memory feeds 8"),  # Ryzen 9 7950X
        (machine(2, quota=1.6), 2, "2 CPUs"),  # 80 % of two
        (machine(2, quota=0.6), 1, "quota of 0.6 CPUs on 2 CPUs"),  # files come first
        (machine(2, quota=1.2), 1, "quota of 1.2 CPUs on 2 CPUs"),
        (machine(1, quota=0.8), 1, "1 CPU"),
        (machine(6, per_core=2, quota=9.6), 6, "6 cores"),
        (machine(6, per_core=2, quota=3.6), 4, "quota of 3.6 CPUs on 6 cores"),
        (machine(16, per_core=2, quota=1.5), 2, "quota of 1.5 CPUs on 16 cores, memory feeds 8"),
        (machine(8, per_core=2, allowed=2), 2, "2 CPUs"),  # pinned
    ],
)
def test_plan_threads(view: CpuView, threads: int, reason: str) -> None:
    plan = plan_threads(view)
    assert (plan.threads, plan.reason) == (threads, reason)


@pytest.mark.parametrize(
    ("text", "quota"), [("max 100000\n", None), ("150000 100000\n", 1.5), ("60000 100000", 0.6), ("", None)]
)
def test_parse_cpu_max(text: str, quota: float | None) -> None:
    assert parse_cpu_max(text) == quota


@pytest.mark.parametrize(
    ("text", "cpus"), [("0-2,8\n", {0, 1, 2, 8}), ("5", {5}), ("", set()), ("0,16", {0, 16})]
)
def test_parse_cpu_list(text: str, cpus: set[int]) -> None:
    assert parse_cpu_list(text) == cpus


def test_tightest() -> None:
    assert tightest([None, 3.0, 1.5]) == 1.5
    assert tightest([None]) is None


def test_prompts_are_read_by_all_cores_within_the_quota() -> None:
    assert plan_threads(machine(16, per_core=2)).prefill == 16
    assert plan_threads(machine(16, per_core=2, quota=12.4)).prefill == 12
    assert plan_threads(machine(16, per_core=2, quota=12.4)).threads == 8
    assert plan_threads(machine(2, quota=0.6)).prefill == 1


@pytest.mark.parametrize(
    ("cores", "counts"), [(1, ()), (2, (2, 1)), (3, (3, 2)), (4, (4, 3, 2)), (6, (6, 5, 3)), (16, (8, 6, 4))]
)
def test_candidates(cores: int, counts: tuple[int, ...]) -> None:
    assert candidates(plan_threads(machine(cores))) == counts


def test_measurement_decides_among_counts() -> None:
    plan = plan_threads(machine(8))
    chosen = choose_threads(plan, {8: 40.0, 6: 41.0, 4: 40.5})
    assert (chosen.threads, chosen.prefill) == (4, 8)  # as fast, and four are free for files
    assert chosen.reason == "8 CPUs; tokens/s measured with threads 4: 40.5, 6: 41.0, 8: 40.0"
    assert choose_threads(plan, {8: 50.0, 6: 41.0, 4: 30.0}).threads == 8


def test_quota_goes_before_the_measurement() -> None:
    measured = {8: 40.0, 6: 45.0, 4: 30.0}
    assert choose_threads(plan_threads(machine(8, quota=5.0)), measured).threads == 4
    cut = choose_threads(plan_threads(machine(8, quota=0.6)), measured)
    assert (cut.threads, cut.reason) == (1, "quota of 0.6 CPUs on 8 CPUs")
    assert choose_threads(plan_threads(machine(8)), {}) == plan_threads(machine(8))
