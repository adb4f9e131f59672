from __future__ import annotations

from pathlib import Path

import pytest
from sigmavault.system.cgroups import read_memory_limit, read_quota

GIB = 2**30


def lay_out(root: Path, groups: str, files: dict[str, str]) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for path, text in files.items():
        file = root / "sys/fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_the_tightest_group_above_counts(tmp_path: Path) -> None:
    lay_out(tmp_path, "1:cpu:/old\n0::/a.slice/a-b.slice/x.service\n", {
        "a.slice/a-b.slice/x.service/cpu.max": "max 100000\n",
        "a.slice/a-b.slice/cpu.max": "160000 100000\n",
        "a.slice/cpu.max": "190000 100000\n",
        "a.slice/memory.max": f"{4 * GIB}\n",
        "a.slice/a-b.slice/memory.high": f"{3 * GIB}\n",
        "a.slice/a-b.slice/memory.max": "max\n",
    })  # fmt: skip
    assert read_quota(tmp_path) == 1.6
    assert read_memory_limit(tmp_path) == 3 * GIB


def test_no_limit_is_none(tmp_path: Path) -> None:
    lay_out(
        tmp_path, "0::/user.slice\n", {"user.slice/cpu.max": "max 100000\n", "user.slice/memory.max": "max"}
    )
    assert read_quota(tmp_path) is None
    assert read_memory_limit(tmp_path) is None


def test_a_container_sees_its_limits_at_the_root(tmp_path: Path) -> None:
    lay_out(tmp_path, "0::/\n", {"cpu.max": "150000 100000\n", "memory.max": f"{GIB}\n"})
    assert read_quota(tmp_path) == 1.5
    assert read_memory_limit(tmp_path) == GIB


def test_the_products_own_budget_is_no_property_of_the_machine(tmp_path: Path) -> None:
    own = "sigmavault_ai.slice"
    lay_out(tmp_path, f"0::/machine.slice/{own}/sigmavault-ryzan.service\n", {
        f"machine.slice/{own}/cpu.max": "160000 100000\n",
        f"machine.slice/{own}/memory.max": f"{GIB}\n",
        "machine.slice/cpu.max": "200000 100000\n",
        "machine.slice/memory.max": f"{8 * GIB}\n",
    })  # fmt: skip
    assert (read_quota(tmp_path), read_memory_limit(tmp_path)) == (1.6, GIB)
    assert read_quota(tmp_path, machine_only=True) == 2.0
    assert read_memory_limit(tmp_path, machine_only=True) == 8 * GIB


@pytest.mark.parametrize("group", ["docker/0123", ""])
def test_version_1(group: str, tmp_path: Path) -> None:
    lay_out(tmp_path, f"4:memory:/{group}\n3:cpu,cpuacct:/{group}\n1:name=systemd:/{group}\n", {
        f"cpu/{group}/cpu.cfs_quota_us": "150000\n",
        f"cpu/{group}/cpu.cfs_period_us": "100000\n",
        f"memory/{group}/memory.limit_in_bytes": f"{2 * GIB}\n",
    })  # fmt: skip
    assert read_quota(tmp_path) == 1.5
    assert read_memory_limit(tmp_path) == 2 * GIB


def test_version_1_without_limits(tmp_path: Path) -> None:
    lay_out(tmp_path, "4:memory:/\n3:cpu,cpuacct:/\n", {
        "cpu/cpu.cfs_quota_us": "-1\n",
        "cpu/cpu.cfs_period_us": "100000\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
    })  # fmt: skip
    assert read_quota(tmp_path) is None
    assert read_memory_limit(tmp_path) is None


@pytest.mark.parametrize("groups", ["", "0::/gone\n", "nonsense\n::\n"])
def test_without_control_groups_there_is_no_limit(groups: str, tmp_path: Path) -> None:
    lay_out(tmp_path, groups, {})
    assert read_quota(tmp_path) is None
    assert read_memory_limit(tmp_path) is None
