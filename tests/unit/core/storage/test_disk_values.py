"""What a disk is, out of what lsblk and wipefs print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.errors import OperationError, UnknownObjectError
from sigmavault.core.storage.disks import (
    Disk,
    Node,
    best_name,
    find,
    mark_shared_serials,
    parse_lsblk,
    parse_wipefs,
    shown,
)

RECORDED = Path(__file__).parent / "recorded/disks"
VM = {node.kernel_name: node for node, _ in parse_lsblk((RECORDED / "lsblk_vm.json").read_text())}
MACHINE = {node.kernel_name: node for node, _ in parse_lsblk((RECORDED / "lsblk_machine.json").read_text())}

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
DEVICE = st.dictionaries(
    st.sampled_from(["kname", "path", "type", "size", "start", "mountpoints", "children", "fstype"]),
    ANYTHING | st.just("sda"),
)


def disk(
    name: str = "ata-A", path: str = "/dev/sda", serial: str = "A", aliases: tuple[str, ...] = ()
) -> Disk:
    node = Node(kernel_name=path.rpartition("/")[2], path=path, type="disk")
    return Disk(name=name, path=path, node=node, serial=serial, aliases=aliases or (name,))


def test_partitions_and_what_stands_on_them_are_a_tree() -> None:
    types = [node.type for node in MACHINE["sdf"].tree()]
    assert types == ["disk", "part", "crypt", "lvm", "lvm"]
    assert [node.kernel_name for node in VM["vdd"].tree()] == ["vdd", "dm-0"]
    assert VM["vdf"].children[0].type == "raid1"


def test_a_raid_stands_on_each_of_its_disks() -> None:
    assert MACHINE["sdd"].children[0].children[0] == MACHINE["sde"].children[0].children[0]


def test_a_partition_of_device_mapper_is_no_partition() -> None:
    assert not Node(kernel_name="dm-3", path="/dev/mapper/x-part1", type="part").is_partition
    assert Node(kernel_name="sda1", path="/dev/sda1", type="part").is_partition


def test_sizes_and_places_are_bytes() -> None:
    first = VM["vdb"].children[0]
    assert (first.start_bytes, first.size_bytes) == (2048 * 512, 1024**3)


def test_swap_and_mounts_are_seen() -> None:
    assert VM["vdc"].mounts == ("[SWAP]",)
    assert VM["vdb"].children[0].mounts == ("/srv/photos",)


def test_a_label_cannot_speak_to_the_terminal() -> None:
    label = MACHINE["sdg"].children[0].label
    assert "\x1b" not in label
    assert "\u202e" not in label
    assert label.startswith("Fotos ")
    assert len(shown("x" * 10_000)) == 256


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "{}", '{"blockdevices": 3}', '{"blockdevices": [{}]}', "[" * 100_000, "9" * 10_000,
        '{"blockdevices": [{"kname": 1}]}', '{"blockdevices": [{"kname": "a", "path": "b", "children": 7}]}',
    ],
)  # fmt: skip
def test_what_is_no_list_of_disks_is_an_error(text: str) -> None:
    with pytest.raises(OperationError, match="block devices"):
        parse_lsblk(text)


def test_a_bottomless_tree_is_an_error() -> None:
    deep: dict[str, object] = {"kname": "a", "path": "/dev/a"}
    for _ in range(40):
        deep = {"kname": "a", "path": "/dev/a", "children": [deep]}
    with pytest.raises(OperationError, match="too deep"):
        parse_lsblk(json.dumps({"blockdevices": [deep]}))


@given(st.lists(DEVICE, max_size=3))
def test_any_json_is_read_or_refused(devices: list[object]) -> None:
    text = json.dumps({"blockdevices": devices})
    try:
        parse_lsblk(text)
    except OperationError:
        return
    assert all(isinstance(each, dict) and "kname" in each for each in devices)


def test_every_signature_is_told_once() -> None:
    found = parse_wipefs((RECORDED / "wipefs_vm.json").read_text())
    of_pool = [each for each in found if each.device == "vdi1"]
    assert [(each.type, each.label) for each in of_pool] == [("zfs_member", "oldpool")]
    types = {"gpt", "PMBR", "vfat", "ext4", "swap", "LVM2_member", "crypto_LUKS", "zfs_member"}
    assert {each.type for each in found} == types


def test_blank_disks_have_no_signatures() -> None:
    assert parse_wipefs("") == ()


@pytest.mark.parametrize("text", ["x", "{}", '{"signatures": [1]}', '{"signatures": [{}]}'])
def test_what_is_no_list_of_signatures_is_an_error(text: str) -> None:
    with pytest.raises(OperationError, match="signatures"):
        parse_wipefs(text)


@pytest.mark.parametrize(
    ("names", "best"),
    [
        (["ata-WDC_1", "wwn-0x5", "scsi-1"], "wwn-0x5"),
        (["nvme-Samsung_S1", "nvme-eui.0025", "nvme-Samsung_S1_1"], "nvme-eui.0025"),
        (["virtio-K01"], "virtio-K01"),
        (["usb-WD_1-0:0"], "usb-WD_1-0:0"),
        (["dm-name-x", "md-name-y", "lvm-pv-uuid-z"], ""),
        (["ata-with space", "-rf", "ata-$(x)"], ""),
        ([], ""),
    ],
)
def test_the_surest_name_is_taken(names: list[str], best: str) -> None:
    assert best_name(names) == best
    assert best_name(reversed(names)) == best


def test_a_serial_that_is_there_twice_is_known_on_both() -> None:
    disks = mark_shared_serials([disk("ata-A"), disk("ata-B", "/dev/sdb"), disk("ata-C", "/dev/sdc", "C")])
    assert [each.shares_serial for each in disks] == [True, True, False]


def test_no_serial_is_not_the_same_serial() -> None:
    disks = mark_shared_serials([disk(serial=""), disk(path="/dev/sdb", serial="")])
    assert not any(each.shares_serial for each in disks)


def test_a_disk_is_found_by_each_of_its_names_and_its_serial() -> None:
    held = disk("wwn-0x5", aliases=("ata-A", "wwn-0x5"))
    assert find("ata-A", [held]) is find("wwn-0x5", [held]) is find("A", [held]) is held


def test_a_serial_of_two_disks_names_none() -> None:
    with pytest.raises(OperationError, match="2 disks have the serial A: ata-A, ata-B"):
        find("A", [disk("ata-A"), disk("ata-B", "/dev/sdb")])


@pytest.mark.parametrize("name", ["sda", "/dev/sda", "ata-Z", ""])
def test_the_kernels_name_is_no_name(name: str) -> None:
    with pytest.raises(UnknownObjectError):
        find(name, [disk(serial="")])


def test_a_partition_is_refused_as_such() -> None:
    with pytest.raises(UnknownObjectError, match="is a partition") as caught:
        find("ata-A-part1", [disk()])
    assert "ata-A" in caught.value.hint
