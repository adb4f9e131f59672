"""A mirror pool made of two disks by their serial numbers."""

import json

import pytest

pytestmark = pytest.mark.vm


def test_the_pool_is_healthy_and_knows_its_disks_by_serial(vm, tank):
    tank("documents")
    status = json.loads(vm.succeed("zpool", "status", "-j", "tank"))["pools"]["tank"]
    assert status["state"] == "ONLINE"
    (mirror,) = status["vdevs"]["tank"]["vdevs"].values()
    assert mirror["vdev_type"] == "mirror"
    assert {name.removesuffix("-part1") for name in mirror["vdevs"]} == {"virtio-TANK1", "virtio-TANK2"}


def test_a_pool_is_exported_and_found_again(vm, tank):
    """What a reboot does to it, where there is none: the live system forgets everything."""
    path = tank("moved")
    vm.shell('head --bytes=1000000 /dev/urandom > "$1/file"', path)
    before = vm.succeed("sha256sum", f"{path}/file")
    vm.succeed("zpool", "export", "tank")
    vm.fail("zpool", "list", "tank")
    vm.succeed("zpool", "import", "-d", "/dev/disk/by-id", "tank")
    assert vm.succeed("sha256sum", f"{path}/file") == before


def test_a_used_disk_is_not_taken_without_force(vm, tank):
    tank("documents")
    vm.fail("zpool", "create", "-n", "other", "/dev/disk/by-id/virtio-TANK1")
