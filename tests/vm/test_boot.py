"""The system comes up whole."""

import re

import pytest

from tests.vm.machine.picture import Look

pytestmark = pytest.mark.vm


def test_no_unit_failed(vm):
    assert vm.failed_units() == []


def test_the_system_is_running(vm):
    assert vm.execute("systemctl", "is-system-running").out.strip() == "running"


def test_boot_times_were_measured(scene):
    """Each step of a boot follows the one before; the bars are held by `make bench-build`."""
    times = scene.times
    assert times["model_ready_s"] is not None, "the model did not get ready in time"
    assert 0 < times["login_prompt_s"] <= times["ssh_s"] <= times["model_ready_s"]
    assert times["restore_s"] < times["login_prompt_s"]


@pytest.mark.only(variant="server")
def test_memory_of_a_headless_machine_without_the_model(scene):
    """Without the model everything counts, our daemons too, which have a limit of their own."""
    used, model, daemons = (
        scene.times[f"{each}_bytes"] for each in ("memory_used", "model_memory", "daemons_memory")
    )
    assert 0 < daemons < 100_000_000
    assert daemons < used - model < 300_000_000


@pytest.mark.only(target="iso")
def test_the_boot_menu_was_shown(scene):
    look = Look(**scene.times["boot_menu"])
    # GRUB's own text menu has 720 pixels and is not in SigmaVault's look; an empty screen has one colour.
    assert look.width >= 800, look
    assert look.variance > 20, look
    assert look.colours >= 4, look


@pytest.mark.only(target="disk")
def test_the_system_grows_to_its_disk(vm):
    size = int(vm.succeed("blockdev", "--getsize64", "/dev/disk/by-id/virtio-SYSTEM"))
    root = int(vm.succeed("df", "--block-size=1", "--output=size", "/").split()[-1])
    assert root > 0.85 * size


@pytest.mark.only(target="disk")
def test_the_disk_boots_by_uefi(vm):
    assert vm.succeed("ls", "/sys/firmware/efi/efivars")


@pytest.mark.only(target="iso")
def test_the_iso_boots_by_bios(vm):
    vm.fail("test", "-e", "/sys/firmware/efi")


def test_zfs_module_and_userland_are_of_one_version(vm):
    module = vm.succeed("cat", "/sys/module/zfs/version").strip()
    said = vm.succeed("zfs", "version")
    userland = re.search(r"^zfs-(?!kmod-)(\S+)$", said, re.MULTILINE)
    assert userland is not None, said
    assert userland[1] == module


def test_the_machine_has_an_identity_of_its_own(vm):
    assert re.fullmatch(r"[0-9a-f]{32}\n", vm.succeed("cat", "/etc/machine-id"))
    assert int(vm.succeed("stat", "--format=%s", "/etc/hostid")) == 4
    made = vm.succeed("stat", "--format=%Y", "/etc/ssh/ssh_host_ed25519_key")
    booted = vm.shell('date --date="$(uptime --since)" +%s')
    assert int(made) >= int(booted) - 60, "the SSH host key is older than this boot"
