from __future__ import annotations

import os
from pathlib import Path

from sigmavault.system.cpu import read_allowed, read_cpus, read_name


def test_this_machine_has_at_least_one_cpu() -> None:
    view = read_cpus()
    assert view.allowed == frozenset(os.sched_getaffinity(0))
    assert len(view.siblings) == len(view.allowed)
    assert 1 <= view.cores <= len(view.allowed)


def lay_out(root: Path, allowed: str, online: str) -> None:
    for path, text in (("proc/self/status", allowed), ("sys/devices/system/cpu/online", online)):
        (root / path).parent.mkdir(parents=True)
        (root / path).write_text(text)


def test_the_mask_may_name_cpus_that_are_not_there(tmp_path: Path) -> None:
    lay_out(tmp_path, "Name:\tpython3\nCpus_allowed:\tff\nCpus_allowed_list:\t2-127\n", "0-3\n")
    assert read_allowed(tmp_path) == {2, 3}


def test_where_sysfs_is_hidden_the_mask_counts(tmp_path: Path) -> None:
    lay_out(tmp_path, "Cpus_allowed_list:\t0-5\n", "")
    assert read_allowed(tmp_path) == set(range(6))


def test_where_nothing_can_be_read_there_is_one_cpu(tmp_path: Path) -> None:
    view = read_cpus(tmp_path)
    assert view.allowed == {0}
    assert (view.cores, view.quota) == (1, None)


def test_the_processor_has_a_name_where_the_kernel_gives_one(tmp_path: Path) -> None:
    assert read_name(tmp_path) == ""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\n")
    assert read_name(tmp_path) == "Some CPU @ 3 GHz"
