"""Mounts, as a real kernel tells them: real tmpfs mounts below a folder of the test."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sigmavault.system import mounts, run

pytestmark = pytest.mark.runs_programs


@pytest.fixture
def mountpoint(tmp_path: Path) -> Iterator[Path]:
    """A folder that belongs to root; what is mounted on it goes away."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    folder = tmp_path / "photos"
    folder.mkdir(mode=0o755)
    yield folder
    while folder.is_mount():
        run.run(("umount", "--", str(folder)), timeout_s=10)


def mount(folder: Path) -> None:
    run.run(("mount", "-t", "tmpfs", "none", str(folder)), timeout_s=10)


def test_a_mount_and_an_unmount_wake_whoever_waits(mountpoint: Path) -> None:
    watch = mounts.MountWatch()
    assert not watch.wait(0)
    mount(mountpoint)
    assert watch.wait(5)
    assert not watch.wait(0)
    run.run(("umount", "--", str(mountpoint)), timeout_s=10)
    assert watch.wait(5)
    watch.close()


def test_without_its_mount_the_folder_is_closed(mountpoint: Path) -> None:
    mount(mountpoint)
    (mountpoint / "file").touch()
    assert not mounts.is_covered_closed(mountpoint)
    assert mounts.close_covered(mountpoint)
    assert mounts.is_covered_closed(mountpoint)
    assert stat.S_IMODE(mountpoint.stat().st_mode) != 0, "the mounted folder is as it was"
    run.run(("umount", "--", str(mountpoint)), timeout_s=10)
    assert stat.S_IMODE(mountpoint.stat().st_mode) == 0
    mount(mountpoint)  # and can be mounted again


@pytest.mark.parametrize("reason", ["content", "owner"])
def test_a_folder_that_somebody_uses_is_left_alone(mountpoint: Path, reason: str) -> None:
    if reason == "content":
        (mountpoint / "file").touch()
    else:
        os.chown(mountpoint, 65534, 65534)
    mount(mountpoint)
    assert not mounts.close_covered(mountpoint)
    run.run(("umount", "--", str(mountpoint)), timeout_s=10)
    assert stat.S_IMODE(mountpoint.stat().st_mode) == 0o755


def test_what_is_no_mount_point_is_an_error_or_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        mounts.close_covered(tmp_path / "none" / "photos")
    if os.geteuid() == 0:
        assert mounts.close_covered(tmp_path / "none")
