from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.budget import (
    ARC_FLOOR_BYTES,
    LEAST_QUOTA_PERCENT,
    Machine,
    Shares,
    compute_budget,
    merge_shares,
    parse_meminfo,
)
from sigmavault.core.errors import ConfigError
from sigmavault.core.values import GIB, MIB

SHARES = Shares(
    model_cpu_percent=80, model_cpu_serving_percent=30, model_cpu_least_percent=10, model_memory_percent=70,
    model_io_weight=20, arc_percent=25, arc_keep_percent=10,
)  # fmt: skip
DEFAULTS: dict[str, object] = {
    "model": {
        "cpu_percent_of_machine": 80, "cpu_percent_while_serving": 30, "cpu_percent_least": 10,
        "memory_percent": 70, "io_weight": 20,
    },
    "arc": {"percent": 25, "keep_percent": 10},
}  # fmt: skip


@pytest.mark.parametrize(
    ("cpus", "memory", "quota", "memory_max", "arc_max"),
    [
        (1, 2 * GIB, 80, 1433 * MIB, 512 * MIB),
        (2, 4 * GIB, 160, 2867 * MIB, 1024 * MIB),
        (16, 64 * GIB, 1280, 45875 * MIB, 16 * GIB),
        # A "16 GB" machine never reports 16 GiB.
        (8, 16_384_000 * 1024, 640, 11200 * MIB, 4000 * MIB),
    ],
)
def test_budget_of_known_machines(cpus: int, memory: int, quota: int, memory_max: int, arc_max: int) -> None:
    budget = compute_budget(Machine(cpus=cpus, memory_bytes=memory), SHARES)
    assert budget.cpu_quota_percent == quota
    assert budget.memory_max_bytes == memory_max
    assert budget.arc_max_bytes == arc_max


def test_arc_leaves_a_gibibyte_on_small_machines() -> None:
    shares = replace(SHARES, arc_percent=90)
    budget = compute_budget(Machine(cpus=2, memory_bytes=3 * GIB), shares)
    assert budget.arc_max_bytes == 2 * GIB


def test_arc_is_never_below_what_zfs_takes() -> None:
    shares = replace(SHARES, model_cpu_percent=1, model_memory_percent=1, arc_percent=1)
    assert compute_budget(Machine(cpus=1, memory_bytes=GIB), shares).arc_max_bytes == ARC_FLOOR_BYTES


@given(
    cpus=st.integers(1, 1024),
    memory=st.integers(512 * MIB, 16 * 1024 * GIB),
    percent=st.integers(1, 100),
)
def test_no_budget_exceeds_the_machine(cpus: int, memory: int, percent: int) -> None:
    shares = replace(SHARES, model_cpu_percent=percent, model_memory_percent=percent, arc_percent=percent)
    budget = compute_budget(Machine(cpus=cpus, memory_bytes=memory), shares)
    assert 1 <= budget.cpu_quota_least_percent <= budget.cpu_quota_serving_percent
    assert budget.cpu_quota_serving_percent <= budget.cpu_quota_percent <= cpus * 100
    assert budget.arc_keep_bytes <= budget.arc_max_bytes
    assert budget.memory_max_bytes <= memory
    assert ARC_FLOOR_BYTES <= budget.arc_max_bytes < memory
    assert budget.arc_max_bytes % MIB == 0


def test_what_systemd_and_the_module_are_told() -> None:
    budget = compute_budget(Machine(cpus=2, memory_bytes=4 * GIB), SHARES)
    most = f"MemoryMax={2867 * MIB}"
    assert budget.slice_properties() == ("CPUQuota=160%", "CPUWeight=20", "IOWeight=20", most)
    assert budget.slice_properties(is_watched=False)[:2] == ("CPUQuota=60%", "CPUWeight=idle")
    assert budget.modprobe_conf() == "options zfs zfs_arc_max=1073741824\n"


@pytest.mark.parametrize(("cpus", "serving", "least"), [(1, 30, 10), (2, 60, 20), (8, 240, 80)])
def test_what_is_left_while_files_are_served(cpus: int, serving: int, least: int) -> None:
    budget = compute_budget(Machine(cpus=cpus, memory_bytes=4 * GIB), SHARES)
    assert (budget.cpu_quota_serving_percent, budget.cpu_quota_least_percent) == (serving, least)


def test_the_least_never_starves_an_answer() -> None:
    budget = compute_budget(Machine(cpus=1, memory_bytes=GIB), replace(SHARES, model_cpu_least_percent=1))
    assert budget.cpu_quota_least_percent == LEAST_QUOTA_PERCENT


def test_later_layers_win_key_by_key() -> None:
    shares = merge_shares([("/usr/budget.toml", DEFAULTS), ("/etc/budget.toml", {"arc": {"percent": 40}})])
    assert shares == replace(SHARES, arc_percent=40)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"arc": {"size": 3}}, r"/etc/b: unknown key arc.size; allowed: model.cpu_percent_of_machine"),
        ({"ark": {"percent": 3}}, r"/etc/b: unknown key ark.percent"),
        ({"arc": 3}, r"/etc/b: `arc` is no section"),
        ({"arc": {"percent": "25"}}, r"arc.percent = '25'; allowed: a whole number from 1 to 100"),
        ({"arc": {"percent": True}}, r"arc.percent = True"),
        ({"arc": {"percent": 0}}, r"arc.percent = 0"),
        ({"model": {"memory_percent": 101}}, r"model.memory_percent = 101"),
    ],
)
def test_wrong_configuration_names_file_and_key(layer: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        merge_shares([("/usr/b", DEFAULTS), ("/etc/b", layer)])


def test_a_key_set_nowhere_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"arc\.percent is set nowhere"):
        merge_shares([("/usr/b", {"model": DEFAULTS["model"]})])


def test_meminfo_is_read_in_bytes() -> None:
    assert parse_meminfo("MemTotal:       16384000 kB\nMemFree: 1 kB\n") == 16_384_000 * 1024
    with pytest.raises(ValueError, match="no MemTotal"):
        parse_meminfo("MemFree: 1 kB\n")
