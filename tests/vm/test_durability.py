"""What was stored outlives a reboot, a power cut and a pulled disk. One story, told in order."""

import dataclasses
import json

import pytest

from tests.vm.asking import ask, status, words
from tests.vm.machine.machine import Machine
from tests.vm.machine.timing import retry
from tests.vm.stage import DISKS

pytestmark = [pytest.mark.vm, pytest.mark.only(target="disk")]


def store(vm: Machine, path: str) -> str:
    vm.shell('head --bytes=5000000 /dev/urandom > "$1"; sync "$1"', path)
    return vm.succeed("sha256sum", path)


def pool_state(vm: Machine) -> str:
    pools = json.loads(vm.succeed("zpool", "status", "-j", "tank"))["pools"]
    return str(pools["tank"]["state"])


def test_reboot(vm, tank):
    path = f"{tank('durable')}/before-reboot"
    before = store(vm, path)
    vm.reboot()
    vm.wait_for_unit("zfs-mount.service")
    assert vm.succeed("sha256sum", path) == before
    assert pool_state(vm) == "ONLINE"


def test_power_cut(vm, tank):
    """The machine that comes back has a processor of 2008: no AVX, no FMA."""
    path = f"{tank('durable')}/before-power-cut"
    before = store(vm, path)
    vm.cut_power()
    vm.hardware = dataclasses.replace(vm.hardware, cpu="Nehalem")
    vm.start()
    vm.wait_for_ssh(timeout_s=120)
    vm.execute("systemctl", "is-system-running", "--wait", timeout_s=60)
    assert vm.failed_units() == []
    assert vm.succeed("sha256sum", path) == before
    assert pool_state(vm) == "ONLINE"


def test_the_model_answers_on_an_old_processor(vm):
    assert "avx" not in vm.succeed("grep", "--max-count=1", "^flags", "/proc/cpuinfo")
    retry(lambda _last: status(vm)["state"] == "ready", timeout_s=vm.scale.limit(30), what="model ready")
    assert words(ask(vm, "unix")).strip()


def test_pulled_disk(vm, tank):
    path = f"{tank('durable')}/before-pull"
    before = store(vm, path)
    vm.pull_disk(DISKS[1])

    def degraded(_last: bool) -> bool:
        vm.shell('echo more >> "$1"; sync "$1"', f"{path}-noise")
        return pool_state(vm) == "DEGRADED"

    retry(degraded, timeout_s=vm.scale.limit(20), interval_s=2, what="pool DEGRADED")
    assert vm.succeed("sha256sum", path) == before
