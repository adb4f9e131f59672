from __future__ import annotations

from pathlib import Path

from sigmavault.system.cpu import read_cpus, read_quota


def test_the_tightest_group_above_counts(tmp_path: Path) -> None:
    proc, root = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "self/cgroup").write_text("1:cpu:/old\n0::/a.slice/a-b.slice/x.service\n")
    (root / "a.slice/a-b.slice/x.service").mkdir(parents=True)
    assert read_quota(proc=proc, root=root) is None
    (root / "a.slice/a-b.slice/x.service/cpu.max").write_text("max 100000\n")
    (root / "a.slice/a-b.slice/cpu.max").write_text("160000 100000\n")
    (root / "a.slice/cpu.max").write_text("190000 100000\n")
    assert read_quota(proc=proc, root=root) == 1.6


def test_this_machine_has_at_least_one_cpu() -> None:
    view = read_cpus()
    assert view.allowed
    assert len(view.siblings) == len(view.allowed)
