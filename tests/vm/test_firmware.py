"""The ISO starts on other machines too: UEFI, Secure Boot, from a USB stick. Each boots it once."""

import dataclasses
import re

import pytest

from tests.vm.machine.artefacts import collect
from tests.vm.machine.machine import LOGIN_PROMPT, Machine
from tests.vm.machine.qemu import Disk, Firmware, Medium
from tests.vm.mok_manager import enrol_requested_key
from tests.vm.stage import Target, hardware_of, place_of

pytestmark = [pytest.mark.vm, pytest.mark.iso, pytest.mark.slow]

STICK = Disk(serial="STICK", size_bytes=64 * 1024**2)
"""The person's own, which keeps the key."""

FOLDER = "/media/stick"
PASSWORD = "enrolme1"  # noqa: S105  # of one virtual machine, for one start of it


@pytest.fixture(scope="module")
def boot(stage):
    """Boots the ISO with that firmware and medium, on a stage that is empty."""
    stage.close()
    up: list[Machine] = []

    def end() -> None:
        while up:
            machine = up.pop()
            collect(machine)
            machine.close()

    def start(firmware, medium, disks=()):
        end()
        hardware = dataclasses.replace(hardware_of(Target.ISO), firmware=firmware, medium=medium, disks=disks)
        machine = Machine(f"iso-{firmware}", hardware, place_of(f"iso-{firmware}-{medium}"))
        up.append(machine)
        machine.start()
        machine.wait_for_login()
        machine.wait_for_ssh()
        return machine

    yield start
    end()


@pytest.fixture(scope="module")
def secured(boot):
    """The ISO on a USB stick, in a machine with Secure Boot and a second stick."""
    vm = boot(Firmware.SECURE_BOOT, Medium.USB, (STICK,))
    # The whole stick, as many are sold; FAT keeps no permissions, so the key is everybody's who mounts it.
    vm.succeed("mkfs.vfat", "-I", f"/dev/disk/by-id/virtio-{STICK.serial}")
    mount_stick(vm)
    return vm


def mount_stick(vm: Machine) -> None:
    vm.succeed("mkdir", "-p", FOLDER)
    vm.succeed("mount", f"/dev/disk/by-id/virtio-{STICK.serial}", FOLDER)


def secure_boot(vm: Machine, action: str, *, stdin: bytes = b""):
    return vm.execute("sigmavault", "secure-boot", action, FOLDER, timeout_s=120, stdin=stdin)


def enrol(vm: Machine) -> str:
    """Have the key enrolled, which is made if there is none; returns the key's name."""
    told = secure_boot(vm, "enrol", stdin=f"{PASSWORD}\n{PASSWORD}\n".encode())
    assert told.code == 0, told.describe()
    assert PASSWORD not in told.out + told.err
    assert 'choose "Enroll MOK"' in told.out, told.out
    named = re.search(r"CN=(SigmaVault module key [0-9a-f]+)", told.out)
    assert named, told.out
    return named[1]


def test_uefi(boot):
    vm = boot(Firmware.UEFI, Medium.CD)
    vm.succeed("test", "-d", "/sys/firmware/efi/efivars")
    vm.succeed("test", "-e", "/sys/module/zfs")


def test_secure_boot_from_a_usb_stick_says_why_zfs_is_missing(secured):
    """Debian's signed shim, GRUB and kernel start; the module, which nobody signed, is kept out."""
    vm = secured
    assert "SecureBoot enabled" in vm.succeed("mokutil", "--sb-state")
    vm.fail("modprobe", "zfs")
    # Whoever looks at the console reads it above the prompt.
    before_the_prompt = LOGIN_PROMPT.split(vm.serial(), maxsplit=1)[0]
    assert "Secure Boot keeps the ZFS module out" in before_the_prompt
    assert "What to do:" in before_the_prompt
    assert "sudo sigmavault secure-boot enrol FOLDER" in before_the_prompt
    # Exit code 1: something wants attention.
    told = vm.execute("sigmavault", "status")
    assert told.code == 1, told.describe()
    assert "Secure Boot" in told.out.partition("Attention")[2], told.out


def test_a_key_that_would_be_gone_at_the_next_start_is_not_made(secured):
    told = secured.execute("sigmavault", "secure-boot", "enrol", "/root")
    assert (told.code, told.out) == (1, ""), told.describe()
    assert "gone at the next start" in told.err
    assert secured.succeed("mokutil", "--list-new").strip() == ""


def test_a_key_of_ones_own_is_requested_and_signs_the_module_that_stays_out(secured):
    """Until somebody says yes to the firmware, the kernel refuses it: exit code 5."""
    vm = secured
    name = enrol(vm)
    assert name in vm.succeed("mokutil", "--list-new")
    told = secure_boot(vm, "load")
    assert told.code == 5, told.describe()
    assert "still refuses zfs" in told.err
    assert "Enroll MOK" in told.err
    for module in ("spl", "zfs"):
        assert vm.succeed("modinfo", "--field", "signer", module).strip() == name
    vm.fail("test", "-e", "/sys/module/zfs")


def test_an_enrolled_key_lets_zfs_in_on_the_live_system(secured):
    """MokManager's screens, by keys; then the live system has forgotten all, and the stick has the key."""
    vm = secured
    name = enrol(vm)
    vm.succeed("umount", FOLDER)
    vm.restart()
    enrol_requested_key(vm, PASSWORD)
    # A live system makes new host keys at each start.
    vm.ssh.forget_host()
    vm.wait_for_login()
    vm.wait_for_ssh()

    mount_stick(vm)
    assert "SecureBoot enabled" in vm.succeed("mokutil", "--sb-state")
    vm.fail("modprobe", "zfs")
    told = secure_boot(vm, "load")
    assert told.code == 0, told.describe()
    assert "ZFS is loaded" in told.out
    assert vm.succeed("modinfo", "--field", "signer", "zfs").strip() == name
    vm.succeed("zpool", "list")
    vm.fail("test", "-e", "/run/issue.d/50-sigmavault.issue")
    assert "Secure Boot" not in vm.execute("sigmavault", "status").out.partition("Attention")[2]
