"""The ISO starts on other machines too: UEFI, Secure Boot, from a USB stick. Each boots it once."""

import dataclasses

import pytest

from tests.vm.machine.artefacts import collect
from tests.vm.machine.machine import LOGIN_PROMPT, Machine
from tests.vm.machine.qemu import Firmware, Medium
from tests.vm.stage import Target, hardware_of, place_of

pytestmark = [pytest.mark.vm, pytest.mark.iso, pytest.mark.slow]


@pytest.fixture
def boot(stage):
    """Boots the ISO with that firmware and medium, on a stage that is empty."""
    stage.close()
    up = []

    def start(firmware, medium):
        hardware = dataclasses.replace(hardware_of(Target.ISO), firmware=firmware, medium=medium, disks=())
        machine = Machine(f"iso-{firmware}", hardware, place_of(f"iso-{firmware}-{medium}"))
        up.append(machine)
        machine.start()
        machine.wait_for_login()
        machine.wait_for_ssh()
        return machine

    yield start
    for machine in up:
        collect(machine)
        machine.close()


def test_uefi(boot):
    vm = boot(Firmware.UEFI, Medium.CD)
    vm.succeed("test", "-d", "/sys/firmware/efi/efivars")
    vm.succeed("test", "-e", "/sys/module/zfs")


def test_secure_boot_from_a_usb_stick_says_why_zfs_is_missing(boot):
    """Debian's signed shim, GRUB and kernel start; the module, which nobody signed, is kept out."""
    vm = boot(Firmware.SECURE_BOOT, Medium.USB)
    assert "SecureBoot enabled" in vm.succeed("mokutil", "--sb-state")
    vm.fail("modprobe", "zfs")
    # Whoever looks at the console reads it above the prompt.
    before_the_prompt = LOGIN_PROMPT.split(vm.serial(), maxsplit=1)[0]
    assert "Secure Boot keeps the ZFS module out" in before_the_prompt
    assert "What to do:" in before_the_prompt
    # Exit code 1: something wants attention.
    told = vm.execute("sigmavault", "status")
    assert told.code == 1, told.describe()
    assert "Secure Boot" in told.out.partition("Attention")[2], told.out
