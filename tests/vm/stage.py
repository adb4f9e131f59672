"""The stage: at most one machine is up, each image boots once, tests take turns on it."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.vm.asking import status
from tests.vm.machine import images
from tests.vm.machine.artefacts import collect
from tests.vm.machine.errors import GuestError, MachineError
from tests.vm.machine.machine import Machine, Options, Place
from tests.vm.machine.picture import Look, look_at
from tests.vm.machine.qemu import Disk, Firmware, Hardware, Medium
from tests.vm.machine.times import record
from tests.vm.machine.timing import retry

GIB = 1024**3
ROOT = Path(__file__).resolve().parents[2]
ARTEFACTS = ROOT / "build" / "test-artefacts"
SSH, SMB, NFS = 22, 445, 2049
DISKS = (Disk(serial="TANK1", size_bytes=2 * GIB), Disk(serial="TANK2", size_bytes=2 * GIB))
POOL_DISKS = tuple(Disk(serial=f"POOL{number}", size_bytes=2 * GIB) for number in range(1, 7))
"""Of the disk image alone: what `test_host_pools` builds pools of, pulls and wipes."""
GROWTH_BYTES = 4 * GIB
"""The disk image is put on a disk larger by this much."""


class Target(StrEnum):
    """The images under test."""

    ISO = "iso"
    DISK = "disk"


DEFAULT_VARIANT = {Target.ISO: "desktop", Target.DISK: "server"}


def image_of(target: Target) -> Path:
    """The image file, from the environment.

    Raises:
        MachineError: it is not named or not there; nothing is skipped silently.
    """
    variable = f"SIGMAVAULT_{target.upper()}"
    named = os.environ.get(variable)
    if not named or not Path(named).is_file():
        raise MachineError(f"{variable}={named or ''} names no file: run `make {target}` and `make test`")
    return Path(named)


def variant_of(target: Target, image: Path) -> str:
    """desktop or server: from the environment, the file's name, or what the target is built as."""
    if given := os.environ.get(f"SIGMAVAULT_{target.upper()}_VARIANT"):
        return given
    found = [name for name in ("desktop", "server") if name in image.name]
    return found[0] if found else DEFAULT_VARIANT[target]


def place_of(name: str) -> Place:
    """Where a test machine leaves things."""
    return Place(cache=Path(os.environ.get("SIGMAVAULT_CACHE", "/cache")), artefacts=ARTEFACTS / name)


def hardware_of(target: Target) -> Hardware:
    """The machine that an image is tested on."""
    image = image_of(target)
    if target is Target.ISO:
        return Hardware(image=image, medium=Medium.CD, firmware=Firmware.BIOS, disks=DISKS)
    size = images.virtual_bytes(image) + GROWTH_BYTES
    return Hardware(
        image=image, medium=Medium.DISK, firmware=Firmware.UEFI, disks=(*DISKS, *POOL_DISKS),
        system_bytes=size,
    )  # fmt: skip


@dataclass(slots=True)
class Scene:
    """A machine that is up, and what is known about it.

    Attributes:
        times: what `times.json` says about it.
    """

    target: Target
    variant: str
    vm: Machine
    times: dict[str, Any]


class Stage:
    """Holds the one machine that is up."""

    def __init__(self) -> None:
        self._scene: Scene | None = None
        self._broken: dict[Target, Exception] = {}

    def scene(self, target: Target) -> Scene:
        """The machine of an image, as the tests before left it; booted or restored when it is not up."""
        if target in self._broken:
            raise MachineError(f"the {target} did not come up: {self._broken[target]}")
        if self._scene is not None and self._scene.target is target:
            if not self._scene.vm.is_on:
                # The test before broke it, and failed for that; the others begin anew.
                self._scene.vm.restore()
            return self._scene
        self.close()
        machine = Machine(str(target), hardware_of(target), place_of(target), Options(guest_ports=(SSH, SMB)))
        scene = Scene(target, variant_of(target, machine.hardware.image), machine, {})
        # Held before it boots: whatever happens then, close() finds and ends it.
        self._scene = scene
        try:
            self._bring_up(scene)
        except (MachineError, GuestError) as error:
            self._broken[target] = error
            self.close()
            raise
        record(ARTEFACTS, str(target), scene.times)
        return scene

    def _bring_up(self, scene: Scene) -> None:
        fresh = bool(os.environ.get("SIGMAVAULT_FRESH"))
        notes = None if fresh else scene.vm.saved()
        if notes is None:
            notes = boot(scene)
            scene.vm.save(notes)
        scene.times = notes | {"restore_s": round(scene.vm.restore(), 1)}

    def close(self) -> None:
        """End the machine, keeping what a person may want to read."""
        if self._scene is None:
            return
        scene, self._scene = self._scene, None
        collect(scene.vm)
        scene.vm.close()


def boot(scene: Scene) -> dict[str, Any]:
    """Power on and wait until everything is ready; returns times in seconds and memory in bytes."""
    vm = scene.vm
    vm.start()
    notes: dict[str, Any] = {"accel": vm.verdict.accel, "accel_reason": vm.verdict.reason}
    if scene.target is Target.ISO:
        notes["boot_menu"] = asdict(_photograph_menu(vm))
    notes["login_prompt_s"] = round(vm.wait_for_login(), 1)
    notes["ssh_s"] = round(vm.wait_for_ssh(), 1)
    # Its answer (degraded, running) is for a test to judge.
    vm.execute("systemctl", "is-system-running", "--wait", timeout_s=100)
    notes["system_running_s"] = round(time.monotonic() - vm.powered_on, 1)
    notes["model_ready_s"] = _wait_for_model(vm)
    notes["memory_used_bytes"] = memory_used(vm)
    notes["model_memory_bytes"] = memory_of(vm, "sigmavault-ryzan.service")
    notes["daemons_memory_bytes"] = memory_of(vm, "sigmavault-core.slice")
    vm.execute("sync")
    return notes


def _photograph_menu(vm: Machine) -> Look:
    """The boot menu stands for five seconds; before and after it the screen is nearly empty."""
    shots: list[tuple[int, Path]] = []
    for number in range(4):
        time.sleep(1.5)
        shot = vm.screenshot(f"boot-menu-{number}")
        shots.append((look_at(shot).colours, shot))
    best = max(shots)[1].rename(vm.place.artefacts / "boot-menu.png")
    for _, shot in shots:
        shot.unlink(missing_ok=True)
    return look_at(best)


def _wait_for_model(vm: Machine) -> float | None:
    """Seconds since power-on until the model is loaded; None when it does not get there."""

    def ready(_last: bool) -> bool:
        return str(status(vm)["state"]) == "ready"

    try:
        vm.wait_for_unit("sigmavault-ryzan.service")
        retry(ready, timeout_s=vm.scale.limit(20), what="model ready")
    except GuestError:
        return None
    return round(time.monotonic() - vm.powered_on, 1)


def memory_of(vm: Machine, unit: str) -> int:
    """What of `memory_used` is a unit's: its memory without the page cache, in bytes."""
    group = vm.show(unit, "ControlGroup")["ControlGroup"]
    stat = vm.succeed("cat", f"/sys/fs/cgroup{group}/memory.stat")
    values = dict(line.split() for line in stat.splitlines())
    return sum(int(values[name]) for name in ("anon", "kernel", "shmem"))


def memory_used(vm: Machine) -> int:
    """What programs and the kernel hold, in bytes: proc_meminfo(5), page cache and free memory taken off.

    Not `used` of free(1), which is what is not available: in a machine of 2 GiB that has 120 MB more, which
    nobody holds (the kernel's reserve for huge pages, subtracted from the free pages and from the cache).
    """
    lines = (line.split() for line in vm.succeed("cat", "/proc/meminfo").splitlines())
    kib = {each[0].removesuffix(":"): int(each[1]) for each in lines}
    cache = kib["Buffers"] + kib["Cached"] - kib["Shmem"] + kib["SReclaimable"]
    return 1024 * (kib["MemTotal"] - kib["MemFree"] - cache)
