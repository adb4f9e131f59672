"""Disks in every state that speaks against them, as the host daemon sees and refuses them, and wiping."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.vm.machine.machine import Machine
from tests.vm.machine.shelf import Shelf

pytestmark = [pytest.mark.vm, pytest.mark.only(target="disk")]

GIB = 1024**3
WWN = 0x5000C50015EA7100

# mkswap and ext4 are in the image; LVM, RAID and LUKS are not, so the kernel is told directly
LVM_ACTIVE = 'dmsetup create old-vg --uuid LVM-{} --table "0 65536 linear $1 2048"'.format("a" * 64)
LUKS_OPEN = (
    "dmsetup create old-vault --uuid CRYPT-LUKS2-{}-vault "
    '--table "0 65536 crypt aes-xts-plain64 {} 0 $1 4096"'
).format("0" * 32, "0" * 64)
RAID_ACTIVE = """
modprobe raid1
name=$(basename "$(readlink -f "$1")"); md=/sys/block/md_old/md
echo md_old > /sys/module/md_mod/parameters/new_array
echo none > $md/metadata_version; echo raid1 > $md/level; echo 1 > $md/raid_disks
cat "/sys/block/$name/dev" > $md/new_dev
echo 0 > "$md/dev-$name/slot"; echo 524288 > "$md/dev-$name/size"; echo active > $md/array_state
"""
LVM_AT_REST = """
import binascii, struct, sys
body = struct.pack("<I", 32) + b"LVM2 001" + b"abcdefghijklmnopqrstuvwxyz012345" + bytes(448)
# lib/misc/crc.c of LVM2: CRC-32 without the inversions, begun with a number of its own
crc = binascii.crc32(body, 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
with open(sys.argv[1], "r+b") as disk:
    disk.seek(512)
    disk.write(b"LABELONE" + struct.pack("<QI", 1, crc) + body)
"""
LUKS_AT_REST = """
import struct, sys
with open(sys.argv[1], "r+b") as disk:
    disk.write(b"LUKS" + bytes([0xBA, 0xBE]) + struct.pack(">H", 1) + bytes(160)
               + b"5f6e7a08-1111-4222-8333-944455556666".ljust(40, bytes(1)))
"""
RAID_AT_REST = """
import struct, sys
# struct mdp_superblock_1 (include/uapi/linux/raid/md_p.h of the kernel), version 1.2: 4 KiB from the start
head = struct.pack("<IIII16s32sQIIQII", 0xA92B4EFC, 1, 0, 0, bytes(range(16)), b"old:0", 0, 1, 0, 2048, 0, 2)
place = struct.pack("<QQQ", 2048, 2048, 8)
roles = struct.pack("<2H", 0, 1)
block = head.ljust(128, bytes(1)) + place.ljust(92, bytes(1)) + struct.pack("<I", 2) + bytes(32) + roles
total = sum(struct.unpack(f"<{len(block) // 4}I", block))
block = block[:216] + struct.pack("<I", (total & 0xFFFFFFFF) + (total >> 32)) + block[220:]
with open(sys.argv[1], "r+b") as disk:
    disk.seek(4096)
    disk.write(block)
"""
HOLDER = "import os, sys, time; os.open(sys.argv[1], os.O_RDWR | os.O_EXCL); time.sleep(600)"


@pytest.fixture
def shelf(vm: Machine) -> Iterator[Shelf]:
    with Shelf(vm) as held:
        yield held


def rows(vm: Machine) -> dict[str, dict[str, Any]]:
    """The list of disks, by name; a disk without one by its path."""
    found = json.loads(vm.succeed("sigmavault", "disk", "list", "--json"))["disks"]
    return {row["name"] or row["path"]: row for row in found}


def refusal(vm: Machine, *words: str) -> str:
    """What a pool made of these disks is refused with: every reason of each of them."""
    return vm.fail("sigmavault", "pool", "create", "try", "stripe", *words, "--no-redundancy", "--dry-run")


def path(name: str) -> str:
    return f"/dev/disk/by-id/{name}"


EXPECTED = {
    "mounted": ("mounted", "is mounted at /mnt/there"),
    "swap": ("swap", "is in use as swap"),
    "lvm": ("lvm", "is in use by LVM: /dev/mapper/old-vg"),
    "lvm0": ("lvm", "has data: an LVM physical volume"),
    "md": ("md-raid", "is in use by a Linux software RAID: /dev/md_old"),
    "md0": ("md-raid", "has data: a member of a Linux software RAID"),
    "luks": ("luks", "is in use as an opened encrypted volume: /dev/mapper/old-vault"),
    "luks0": ("luks", "has data: an encrypted volume (LUKS)"),
    "exported": ("exported-pool", "is part of an exported or foreign pool: leaving ("),
    "imported": ("pool-member", "is part of the imported pool staying"),
    "foreign": ("has-data", "has data: vfat “HOLIDAY”"),
    "table": ("has-data", "has data: a partition table with 1 partition"),
    "small": ("too-small", "is too small: 512 MiB"),
    "ro": ("read-only", "is read-only"),
    "twin1": ("duplicate-serial", "has the serial SAME, which another disk has as well"),
    "twin2": ("duplicate-serial", "has the serial SAME, which another disk has as well"),
}
"""State of a disk → code and words of its reason."""
LIFTED = frozenset({"lvm0", "luks0", "md0", "foreign", "table"})
"""Data that a person may give up, by naming the disk."""


def plugged_in(shelf: Shelf) -> dict[str, str]:
    """A disk for each state; their names by state."""
    sizes = dict.fromkeys(EXPECTED, 2 * GIB) | {"small": GIB // 2, "held": 2 * GIB}
    return {
        node: shelf.put(
            node, serial="SAME" if node.startswith("twin") else f"S-{node}".upper(), size_bytes=size,
            wwn=WWN + number, read_only=node == "ro",
        )
        for number, (node, size) in enumerate(sizes.items())
    }  # fmt: skip


def occupy(vm: Machine, at: dict[str, str]) -> None:
    """Bring each disk into its state; `at` has their paths."""
    vm.shell('mkfs.ext4 -q "$1"; mkdir -p /mnt/there; mount "$1" /mnt/there', at["mounted"])
    vm.shell('mkswap "$1"; swapon "$1"', at["swap"])
    vm.shell(LVM_ACTIVE, at["lvm"])
    vm.shell(LUKS_OPEN, at["luks"])
    vm.shell(RAID_ACTIVE, at["md"])
    for node, script in (("lvm0", LVM_AT_REST), ("luks0", LUKS_AT_REST), ("md0", RAID_AT_REST)):
        vm.succeed("python3", "-c", script, at[node])
    vm.succeed("zpool", "create", "leaving", at["exported"])
    vm.succeed("zpool", "export", "leaving")
    vm.succeed("zpool", "create", "staying", at["imported"])
    vm.succeed("mkfs.vfat", "-I", "-n", "HOLIDAY", at["foreign"])
    vm.succeed("sgdisk", "--new=1:0:+100M", at["table"])
    # held by a program and by nothing that leaves a trace
    vm.succeed("systemd-run", "--quiet", "--unit=holder", "python3", "-c", HOLDER, at["held"])
    vm.succeed("udevadm", "settle")


RELEASE = """
systemctl stop holder; umount /mnt/there; swapoff "$1"
dmsetup remove old-vg; dmsetup remove old-vault; echo clear > /sys/block/md_old/md/array_state
zpool destroy staying
"""


def release(vm: Machine, at: dict[str, str]) -> None:
    """Take every disk out of its use; what did not come to be is no failure of this."""
    vm.execute("sh", "-c", RELEASE, "sh", at["swap"])


def test_every_state_is_refused_with_its_own_reason(vm: Machine, shelf: Shelf) -> None:
    """The bar: what is in `LIFTED` is refused until the disk is named, all else also then."""
    names = plugged_in(shelf)
    at = {node: path(name) for node, name in names.items()}
    try:
        occupy(vm, at)
        check_refusals(vm, names)
    finally:
        # a pool whose disks are pulled is suspended, and with it zed: what comes next would hang
        release(vm, at)


def check_refusals(vm: Machine, names: dict[str, str]) -> None:
    listed = rows(vm)
    system = next(name for name, row in listed.items() if row["serial"] == "SYSTEM")
    expected = {names[node]: each for node, each in EXPECTED.items()}
    expected[system] = ("boot-disk", "is the disk that this machine runs from")
    for name, (code, _) in expected.items():
        assert code in listed[name]["reasons"], name
        assert not listed[name]["is_eligible"], name
    everything = (*expected, names["held"])
    said = refusal(vm, *everything)
    for name, (_, words) in expected.items():
        assert f"{name} {words}" in said
    assert f"{names['held']} is in use: the kernel gives nobody else exclusive access" in said
    said = refusal(vm, *everything, *(word for name in everything for word in ("--overwrite", name)))
    lifted = {names[node] for node in LIFTED}
    for name, (_, words) in expected.items():
        assert (f"{name} {words}" in said) is (name not in lifted), name


def test_what_was_overwritten_is_eligible_and_found_by_nobody(vm: Machine, shelf: Shelf) -> None:
    name = shelf.put("wiped", serial="S-WIPED", size_bytes=2 * GIB, wwn=WWN)
    disk = path(name)
    vm.succeed("zpool", "create", "gone", disk)
    vm.succeed("zpool", "export", "gone")
    vm.succeed("udevadm", "settle")
    layout = vm.succeed("sgdisk", "--info=1", disk)
    assert rows(vm)[name]["use"] == "exported pool gone"
    vm.fail("sigmavault", "disk", "wipe", name)
    vm.fail("sigmavault", "disk", "wipe", name, "--yes")
    vm.fail("sigmavault", "disk", "wipe", name, "--confirm", "another")
    assert rows(vm)[name]["use"] == "exported pool gone"
    vm.succeed("sigmavault", "disk", "wipe", name, "--confirm", "S-WIPED")
    row = rows(vm)[name]
    assert (row["use"], row["is_eligible"]) == ("free", True)
    assert vm.succeed("wipefs", "--no-act", disk) == ""
    vm.fail("blkid", "--probe", disk)
    vm.fail("zdb", "-l", disk)
    # partitioned the same way again, nothing comes back
    first = next(line.split()[2] for line in layout.splitlines() if line.startswith("First sector"))
    last = next(line.split()[2] for line in layout.splitlines() if line.startswith("Last sector"))
    vm.succeed("sgdisk", f"--new=1:{first}:{last}", disk)
    vm.wait_until_succeeds("test", "-b", f"{disk}-part1")
    vm.fail("zdb", "-l", f"{disk}-part1")
    assert vm.succeed("wipefs", "--no-act", f"{disk}-part1") == ""
    vm.fail("zpool", "import", "gone")


def test_a_disk_with_data_joins_a_pool_once_it_is_named(vm: Machine, shelf: Shelf) -> None:
    name = shelf.put("named", serial="S-NAMED", size_bytes=2 * GIB, wwn=WWN + 1)
    vm.succeed("mkfs.ext4", "-q", "-F", "-L", "photos", path(name))
    vm.succeed("udevadm", "settle")
    assert "ext4 “photos”" in refusal(vm, name)
    words = ("sigmavault", "pool", "create", "taken", "stripe", name, "--no-redundancy", "--overwrite", name)
    plan = json.loads(vm.succeed(*words, "--dry-run", "--json"))
    assert any("photos" in loss for loss in plan["losses"])
    vm.succeed(*words, "--confirm", plan["confirmation"])
    assert rows(vm)[name]["use"] == "pool taken"
    vm.succeed("zpool", "destroy", "taken")


def test_a_virtual_disk_has_no_smart_and_says_so(vm: Machine) -> None:
    shown = json.loads(vm.succeed("sigmavault", "disk", "show", "TANK1", "--json"))
    assert shown["health"]["verdict"] == "unsupported"
    assert "no SMART" in shown["health"]["message"]
    assert "cannot test itself" in vm.fail("sigmavault", "disk", "self-test", "TANK1", "--yes")
