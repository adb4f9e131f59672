"""Wiping for real: loop devices stand for disks, everything else is what the product uses.

Of lsblk's answer only the type and the serial are replaced, which a loop device does not have.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sigmavault.core.errors import OperationCancelledError, OperationError
from sigmavault.core.operation import Outcome
from sigmavault.core.process import Result
from sigmavault.core.storage import wiping as pure
from sigmavault.core.storage.disks import Disk
from sigmavault.core.storage.eligibility import Use
from sigmavault.core.values import GIB, MIB
from sigmavault.system import disks, wiping, zeroes
from sigmavault.system.machine import RealMachine

SIZE = GIB + 8 * MIB
NAME = "virtio-LOOP1"


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout


class LoopMachine(RealMachine):
    """The machine itself, with one loop device as its only disk."""

    def __init__(self, root: Path, device: Path) -> None:
        self.root = root
        self._name = device.name
        (root / "dev/disk/by-id").mkdir(parents=True)
        (root / "dev" / device.name).symlink_to(device)
        (root / "dev/disk/by-id" / NAME).symlink_to(f"../../{device.name}")
        (root / "sys/block" / device.name / "device").mkdir(parents=True)

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "", check: bool = True) -> Result:
        """As it is; by-id names are those below our root, and there is no udev to wait for."""
        if argv[0] == "udevadm":
            return Result(argv=tuple(argv), status=0, stdout="", stderr="", duration_s=0)
        here = [str(self.root) + word if word.startswith("/dev/disk/") else word for word in argv]
        done = super().run(here, timeout_s=timeout_s, stdin=stdin, check=check)
        return replace(done, stdout=self._as_disk(done.stdout)) if argv[0] == "lsblk" else done

    def _as_disk(self, text: str) -> str:
        found = [each for each in json.loads(text)["blockdevices"] if each["kname"] == self._name]
        return json.dumps({"blockdevices": [each | {"type": "disk", "serial": "LOOP1"} for each in found]})


@dataclass
class Ears:
    """Hears progress, and cancels after some of it."""

    cancels_after: float = 2.0

    def secret(self, name: str) -> str:
        raise AssertionError(name)

    def give(self, name: str, text: str) -> None:
        raise AssertionError(name)

    def progress(self, text: str, fraction: float | None = None) -> None:
        if (fraction or 0) > self.cancels_after:
            raise OperationCancelledError("enough")


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "disk.img"
    with file.open("wb") as out:
        out.truncate(SIZE)
    name = run("losetup", "--find", "--show", str(file)).strip()
    yield Path(name)
    run("losetup", "--detach", name)


@pytest.fixture
def machine(tmp_path: Path, device: Path) -> LoopMachine:
    return LoopMachine(tmp_path / "root", device)


@pytest.fixture
def mounted(tmp_path: Path, device: Path) -> Iterator[Callable[[], None]]:
    place = tmp_path / "mounted"
    place.mkdir()

    def mount() -> None:
        run("mount", str(device), str(place))

    yield mount
    if place.is_mount():
        run("umount", str(place))


def disk_of(machine: LoopMachine) -> Disk:
    (disk,) = disks.disks(machine, pools=())
    return disk


def fill(device: Path, byte: bytes = b"\xa5") -> None:
    """Bytes at both ends and in the middle."""
    with device.open("r+b") as out:
        for place in (0, 40 * MIB, SIZE // 2, SIZE - MIB):
            out.seek(place)
            out.write(byte * MIB)


def test_a_wiped_disk_is_blank_at_both_ends(machine: LoopMachine, device: Path) -> None:
    fill(device)
    run("mkfs.ext4", "-q", "-F", "-L", "photos", str(device))
    (taken,) = disks.take(machine, ("LOOP1",), use=Use.WIPE, pools=())
    assert [each.label for each in taken.signatures or ()] == ["photos"]
    wiping.wipe(machine, taken, Ears())
    assert run("wipefs", str(device)) == ""
    assert subprocess.run(["blkid", "-p", str(device)], check=False).returncode == 2
    assert zeroes.is_zero(machine, taken, pure.ends(taken))
    assert not zeroes.is_zero(machine, taken, pure.everything(taken))
    assert disks.take(machine, ("LOOP1",), pools=())[0].signatures == ()


def test_a_full_wipe_leaves_nothing(machine: LoopMachine, device: Path) -> None:
    fill(device)
    wiping.wipe(machine, disk_of(machine), Ears(), is_full=True)
    assert zeroes.is_zero(machine, disk_of(machine), pure.everything(disk_of(machine)))


def test_a_cancelled_full_wipe_leaves_no_signature(machine: LoopMachine, device: Path) -> None:
    run("mkfs.ext4", "-q", "-F", str(device))
    with device.open("r+b") as out:
        out.seek(SIZE - 64 * MIB)
        out.write(b"x")
    with pytest.raises(OperationCancelledError):
        wiping.wipe(machine, disk_of(machine), Ears(cancels_after=0.3), is_full=True)
    assert run("wipefs", str(device)) == ""
    assert not zeroes.is_zero(machine, disk_of(machine), pure.everything(disk_of(machine)))
    assert wiping.outcome(machine, disk_of(machine), is_full=True) is Outcome.UNKNOWN


def test_a_partition_table_goes_with_its_copy_at_the_end(machine: LoopMachine, device: Path) -> None:
    subprocess.run(["sfdisk", "--quiet", str(device)], input="label: gpt\n,,L\n", text=True, check=True)
    wiping.wipe(machine, disk_of(machine), Ears())
    assert run("wipefs", str(device)) == ""


@pytest.mark.parametrize("is_full", [False, True])
def test_a_mounted_disk_is_not_written(
    machine: LoopMachine, device: Path, mounted: Callable[[], None], is_full: bool
) -> None:
    run("mkfs.ext4", "-q", "-F", str(device))
    before = disk_of(machine)
    mounted()
    with pytest.raises(OperationError, match=r"is mounted at .*kernel gives nobody else"):
        disks.take(machine, ("LOOP1",), use=Use.WIPE, pools=())
    spans = pure.everything(before) if is_full else pure.ends(before)
    with pytest.raises(OperationError, match="resource busy"):
        zeroes.write(machine, before, spans, lambda _done: None)
    assert "ext4" in run("wipefs", str(device))


def test_swap_is_not_written(machine: LoopMachine, device: Path) -> None:
    run("mkswap", str(device))
    run("swapon", str(device))
    try:
        with pytest.raises(OperationError, match="in use as swap"):
            disks.take(machine, ("LOOP1",), use=Use.WIPE, pools=())
    finally:
        run("swapoff", str(device))


def test_while_zeroes_are_written_nobody_else_gets_the_disk(machine: LoopMachine, device: Path) -> None:
    asked = []

    def ask(_done: float) -> None:
        asked.append(machine.is_held(device))
        with pytest.raises(OSError, match="busy"):
            os.open(device, os.O_RDWR | os.O_EXCL)

    zeroes.write(machine, disk_of(machine), pure.everything(disk_of(machine)), ask)
    assert asked
    assert all(asked)
    assert not machine.is_held(device)


@pytest.mark.parametrize(
    "change", [{"serial": "OTHER"}, {"sequence": 1}, {"size_bytes": GIB}, {"wwn": "0x1"}]
)
def test_another_disk_than_the_one_looked_at_is_not_written(
    machine: LoopMachine, device: Path, change: dict[str, object]
) -> None:
    fill(device)
    other = replace(disk_of(machine), **change)  # type: ignore[arg-type]
    with pytest.raises(OperationError, match="not the disk that was looked at"):
        zeroes.write(machine, other, pure.ends(other), lambda _done: None)
    with device.open("rb") as data:
        assert data.read(4) == b"\xa5" * 4


def test_a_disk_that_was_exchanged_behind_its_name_is_not_written(
    machine: LoopMachine, device: Path, tmp_path: Path
) -> None:
    looked_at = disk_of(machine)
    run("losetup", "--detach", str(device))
    other = tmp_path / "other.img"
    with other.open("wb") as out:
        out.truncate(SIZE)
    run("losetup", str(device), str(other))
    with pytest.raises(OperationError, match="not the disk that was looked at"):
        zeroes.write(machine, looked_at, pure.ends(looked_at), lambda _done: None)


def test_a_file_is_no_disk(machine: LoopMachine, tmp_path: Path) -> None:
    disk = disk_of(machine)
    link = machine.root / "dev/disk/by-id" / NAME
    link.unlink()
    link.write_bytes(b"precious")
    with pytest.raises(OperationError, match="not a block device"):
        zeroes.write(machine, disk, pure.ends(disk), lambda _done: None)
    assert link.read_bytes() == b"precious"


def test_how_a_wipe_ended_is_read_from_the_disk(machine: LoopMachine, device: Path) -> None:
    fill(device)
    assert wiping.outcome(machine, disk_of(machine), is_full=False) is Outcome.FAILED
    wiping.wipe(machine, disk_of(machine), Ears())
    assert wiping.outcome(machine, disk_of(machine), is_full=False) is Outcome.FINISHED
    run("mkfs.ext4", "-q", "-F", str(device))
    assert wiping.outcome(machine, disk_of(machine), is_full=False) is Outcome.FAILED
