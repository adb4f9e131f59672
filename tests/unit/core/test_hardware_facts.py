from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.cgroups import lineage, parse_cfs_quota, parse_membership, parse_memory_max
from sigmavault.core.hardware import (
    Instruction,
    last_cache_bytes,
    parse_cache_size,
    parse_cpuinfo,
    parse_meminfo,
)


def test_meminfo() -> None:
    text = "MemTotal:       16264448 kB\nMemAvailable:   1 kB\nHugePages_Total:       0\nnonsense\n"
    assert parse_meminfo(text) == {"MemTotal": 16264448 * 1024, "MemAvailable": 1024}


def test_of_a_mixed_processor_only_what_all_cores_have_counts() -> None:
    text = (
        "model name\t: Mixed\nflags\t\t: fpu avx2 avx512f\n\nmodel name\t: Mixed\nflags\t\t: fpu avx2 fma\n"
    )
    assert parse_cpuinfo(text).instructions == {Instruction.AVX2}


def test_spaces_in_a_processors_name_are_single() -> None:
    assert parse_cpuinfo("model name\t: Intel(R)   Xeon(R)  X\n").name == "Intel(R) Xeon(R) X"


@pytest.mark.parametrize(
    ("text", "size"), [("32768K\n", 32 << 20), ("4M", 4 << 20), ("512", 512), ("", 0), ("K", 0), ("3Q", 0)]
)
def test_cache_sizes(text: str, size: int) -> None:
    assert parse_cache_size(text) == size


def test_a_shared_cache_counts_once_and_only_the_last_level() -> None:
    dies = [(3, "0-3", 32), (3, "4-7", 32), (2, "0", 1), (3, "0-3", 32)]
    assert last_cache_bytes(dies) == 64
    assert last_cache_bytes([]) == 0


@pytest.mark.parametrize(
    ("text", "limit"),
    [("max\n", None), ("1073741824\n", 1 << 30), ("9223372036854771712", None), ("", None), ("-1", None)],
)
def test_memory_limits(text: str, limit: int | None) -> None:
    assert parse_memory_max(text) == limit


@pytest.mark.parametrize(
    ("quota", "period", "cpus"),
    [("150000\n", "100000\n", 1.5), ("-1", "100000", None), ("", "", None), ("1", "0", None)],
)
def test_quotas_of_version_1(quota: str, period: str, cpus: float | None) -> None:
    assert parse_cfs_quota(quota, period) == cpus


def test_membership_of_both_versions() -> None:
    found = parse_membership("12:cpu,cpuacct:/a:b\n1:name=systemd:/x\n0::/user.slice\n")
    assert found.unified == PurePosixPath("user.slice")
    assert found.legacy["cpuacct"] == PurePosixPath("a:b")


def test_lineage_ends_at_the_root_and_may_begin_above_the_product() -> None:
    for own in (
        "sigmavault.slice/sigmavault-core.slice/x.service",
        "sigmavault_ai.slice/x.service",
        "sigmavault_ai.slice",
    ):
        group = PurePosixPath("lxc") / own
        assert [str(each) for each in lineage(group, machine_only=True)] == ["lxc", "."]
        assert lineage(group)[0] == group


@given(st.text())
def test_no_text_of_a_kernel_breaks_a_reader(text: str) -> None:
    parse_meminfo(text)
    parse_cpuinfo(text)
    parse_membership(text)
    parse_memory_max(text)
    parse_cache_size(text)
    parse_cfs_quota(text, text)
