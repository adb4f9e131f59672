"""The real readers, on machines laid out as files."""

from __future__ import annotations

from pathlib import Path

import pytest
from sigmavault.core.hardware import Instruction
from sigmavault.core.threads import plan_threads
from sigmavault.core.values import GIB, MIB
from sigmavault.system.hardware import read_hardware

from tests.unit.system.layout import NAMES, lay_out

# name: processor, logical CPUs, cores, last caches in MiB, threads, GiB of memory
MACHINES = {
    "ryzen-5-5600g": ("AMD Ryzen 5 5600G with Radeon Graphics", 12, 6, 16, 6, 15.0),
    "ryzen-7-7700x": ("AMD Ryzen 7 7700X 8-Core Processor", 16, 8, 32, 8, 31.1),
    "ryzen-9-7950x": ("AMD Ryzen 9 7950X 16-Core Processor", 32, 16, 64, 8, 62.4),
    "threadripper-7970x": ("AMD Ryzen Threadripper 7970X 32-Cores", 64, 32, 128, 8, 125.5),
    "n100": ("Intel(R) N100", 4, 4, 6, 4, 7.5),
    "n5095": ("Intel(R) Celeron(R) N5095 @ 2.00GHz", 4, 4, 4, 4, 15.4),
    "nominal-16-gb": ("Intel(R) Core(TM) i5-10400 CPU @ 2.90GHz", 12, 6, 12, 6, 15.5),
    "container-1.5-cpus": ("AMD Ryzen 9 7950X 16-Core Processor", 32, 16, 64, 2, 62.4),
    "epyc-vm": ("AMD EPYC 9554 64-Core Processor", 4, 2, 32, 4, 15.6),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_is_read(name: str, tmp_path: Path) -> None:
    processor, logical, cores, cache_mib, threads, memory_gib = MACHINES[name]
    found = read_hardware(lay_out(name, tmp_path))
    assert found.processor.name == processor
    assert (found.online, len(found.cpus.allowed), found.cpus.cores) == (logical, logical, cores)
    assert found.cache_bytes == cache_mib * MIB
    assert plan_threads(found.cpus).threads == threads
    assert found.memory_bytes / GIB == pytest.approx(memory_gib, abs=0.05)
    assert 0 < found.available_bytes < found.memory_bytes
    assert found.processor.is_virtual == (name == "epyc-vm")


AVX2 = {"sse4_2", "avx", "f16c", "fma", "bmi2", "avx2"}
AVX512 = {*AVX2, "avx512f", "avx512_vnni", "avx512_bf16"}


@pytest.mark.parametrize(
    ("name", "instructions"),
    [
        ("ryzen-5-5600g", AVX2),
        ("nominal-16-gb", AVX2),
        ("n100", {*AVX2, "avx_vnni"}),
        ("n5095", {"sse4_2"}),
        ("ryzen-9-7950x", AVX512),
        ("threadripper-7970x", AVX512),
    ],
)
def test_instruction_sets(name: str, instructions: set[str], tmp_path: Path) -> None:
    found = read_hardware(lay_out(name, tmp_path))
    assert found.processor.instructions == {Instruction(each) for each in instructions}


def test_a_container_is_as_large_as_its_limits(tmp_path: Path) -> None:
    found = read_hardware(lay_out("container-1.5-cpus", tmp_path))
    assert (found.cpus.quota, found.usable_cores) == (1.5, 1.5)
    assert (found.memory_limit_bytes, found.usable_memory_bytes) == (4 * GIB, 4 * GIB)
    assert plan_threads(found.cpus).reason == "quota of 1.5 CPUs on 16 cores, memory feeds 8"


def test_pinned_to_two_threads_of_one_core(tmp_path: Path) -> None:
    root = lay_out("ryzen-5-5600g", tmp_path)
    (root / "proc/self/status").write_text("Cpus_allowed_list:\t0,6\n")
    found = read_hardware(root)
    assert found.cpus.allowed == {0, 6}
    assert (found.online, found.usable_cores) == (12, 1.0)


def test_where_nothing_can_be_read_nothing_is_made_up(tmp_path: Path) -> None:
    found = read_hardware(tmp_path)
    assert (found.processor.name, found.processor.instructions) == ("", frozenset())
    assert (found.memory_bytes, found.available_bytes, found.cache_bytes) == (0, 0, 0)
    assert (found.online, found.usable_cores, found.memory_limit_bytes) == (1, 1.0, None)


def test_this_machine(tmp_path: Path) -> None:
    found = read_hardware()
    assert found.memory_bytes > found.available_bytes > 0
    assert found.online >= found.usable_cores > 0
    assert found.processor.name
