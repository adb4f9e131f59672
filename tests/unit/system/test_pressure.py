from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from sigmavault.core.governor.watching import Stalls
from sigmavault.system import pressure
from sigmavault.system.unit_control import unit_path

GROUP = PurePosixPath("sigmavault.slice/sigmavault-files.slice")


def test_the_groups_own_files_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "sys/fs/cgroup" / GROUP
    folder.mkdir(parents=True)
    for total, name in enumerate(("cpu", "io", "memory"), 1):
        (folder / f"{name}.pressure").write_text(f"some avg10=0.00 avg60=0.00 avg300=0.00 total={total}\n")
    (folder / "cpu.stat").write_text("usage_usec 12\nuser_usec 5\n")
    assert pressure.group_stalls(tmp_path, GROUP) == Stalls(cpu=1, io=2, memory=3)
    assert pressure.group_cpu_us(tmp_path, GROUP) == 12


def test_a_machine_without_any_of_it_tells_nothing(tmp_path: Path) -> None:
    assert pressure.machine_stalls(tmp_path) is None
    assert pressure.group_stalls(tmp_path, GROUP) is None
    assert pressure.group_cpu_us(tmp_path, GROUP) is None
    assert pressure.all_cpu(tmp_path) is None
    assert pressure.nfs_server(tmp_path) is None
    assert pressure.arc(tmp_path) is None


def test_this_very_kernel_is_understood() -> None:
    told = pressure.all_cpu(Path("/"))
    assert told is not None
    total, idle = told
    assert 0 <= idle <= total


@pytest.mark.parametrize(
    ("unit", "path"), [("smbd.service", "smbd_2eservice"), ("1-a.mount", "_31_2da_2emount")]
)
def test_units_have_the_paths_that_systemd_gives_them(unit: str, path: str) -> None:
    assert unit_path(unit) == f"/org/freedesktop/systemd1/unit/{path}"
