"""The inventory of disks, and taking some of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sigmavault.core.errors import (
    CommandError,
    CommandTimeoutError,
    InvalidRequestError,
    OperationError,
    UnknownObjectError,
)
from sigmavault.core.storage.disks import Disk
from sigmavault.core.storage.eligibility import Code, Use, at_a_glance
from sigmavault.core.storage.pools import Pool, PoolState, Role, Vdev, VdevKind, VdevState
from sigmavault.system import disks

from tests.unit.operations.scripted import ScriptedMachine
from tests.unit.system.disk_machine import RECORDED, machine_of

NO_SMART = (RECORDED / "smart_virtio.json").read_text()
TANK_GUID, BACKUP_GUID = "1234567890123456789", "9876543210987654321"


def pool(name: str, guid: str, *paths: str) -> Pool:
    leaves = tuple(
        Vdev(name=path, guid=str(at), kind=VdevKind.DISK, role=Role.DATA, state=VdevState.ONLINE, path=path)
        for at, path in enumerate(paths)
    )
    top = Vdev(
        name="mirror-0",
        guid="99",
        kind=VdevKind.MIRROR,
        role=Role.DATA,
        state=VdevState.ONLINE,
        children=leaves,
    )
    return Pool(name=name, guid=guid, state=PoolState.ONLINE, vdevs=(top,))


TANK = pool("tank", TANK_GUID, "/dev/disk/by-id/wwn-0x50014ee2b1234567-part1", "/dev/sdb1")


def by_path(machine: ScriptedMachine, *pools: Pool) -> dict[str, Disk]:
    return {disk.path.rpartition("/")[2]: disk for disk in disks.disks(machine, pools)}


def codes(disk: Disk) -> list[Code]:
    return [reason.code for reason in at_a_glance(disk)]


def test_what_only_stands_on_other_disks_is_no_disk(tmp_path: Path) -> None:
    found = by_path(machine_of(tmp_path, "machine"))
    assert list(found) == ["nvme0n1", "nvme1n1", *(f"sd{letter}" for letter in "abcdefghij")]


def test_every_disk_of_a_machine_is_told_what_speaks_against_it(tmp_path: Path) -> None:
    found = by_path(machine_of(tmp_path, "machine"), TANK)
    assert {name: codes(disk) for name, disk in found.items()} == {
        "nvme0n1": [Code.BOOT_DISK, Code.MOUNTED, Code.HAS_DATA],
        "nvme1n1": [],
        "sda": [Code.POOL_MEMBER],
        "sdb": [Code.POOL_MEMBER],
        "sdc": [Code.EXPORTED_POOL],
        "sdd": [Code.MOUNTED, Code.MD_RAID],
        "sde": [Code.MOUNTED, Code.MD_RAID],
        "sdf": [Code.SWAP, Code.LUKS, Code.LVM],
        "sdg": [Code.HAS_DATA],
        "sdh": [],
        "sdi": [Code.HAS_DATA],
        "sdj": [Code.LIVE_MEDIUM, Code.MOUNTED, Code.HAS_DATA, Code.REMOVABLE],
    }


def test_the_states_recorded_in_a_virtual_machine(tmp_path: Path) -> None:
    tank = pool("tank", "14255378620425747845", "/dev/disk/by-id/virtio-K09-part1")
    found = by_path(machine_of(tmp_path, "vm"), tank)
    assert {name: codes(disk)[:1] for name, disk in found.items()} == {
        "sda": [Code.DUPLICATE_SERIAL], "sdb": [Code.READ_ONLY], "sdc": [Code.NO_SERIAL],
        "sdd": [Code.DUPLICATE_SERIAL], "sde": [Code.REMOVABLE], "vda": [Code.BOOT_DISK],
        "vdb": [Code.MOUNTED], "vdc": [Code.SWAP], "vdd": [Code.LVM], "vde": [Code.LVM],
        "vdf": [Code.MD_RAID], "vdg": [Code.LUKS], "vdh": [Code.LUKS], "vdi": [Code.EXPORTED_POOL],
        "vdj": [Code.POOL_MEMBER], "vdl": [Code.TOO_SMALL],
    }  # fmt: skip


def test_disks_have_their_surest_name(tmp_path: Path) -> None:
    found = by_path(machine_of(tmp_path, "machine"))
    assert found["sda"].name == "wwn-0x50014ee2b1234567"
    assert found["nvme0n1"].name == "nvme-eui.002538d2214abcde"
    assert found["sdi"].name == "usb-WD_Elements_25A3_575834324439-0:0"


def test_a_list_asks_lsblk_alone(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine")
    disks.disks(machine)  # there is no ZFS here
    assert [argv[0] for argv in machine.ran] == ["lsblk"]


def test_a_label_of_an_imported_pool_that_does_not_use_the_disk(tmp_path: Path) -> None:
    found = by_path(machine_of(tmp_path, "machine"), pool("backup", BACKUP_GUID, "/dev/sda1"))
    assert codes(found["sdc"]) == [Code.FORMER_MEMBER]


def test_a_pool_that_was_renamed_is_told_by_its_name_of_now(tmp_path: Path) -> None:
    found = by_path(machine_of(tmp_path, "machine"), pool("silver", TANK_GUID, "/dev/sda1"))
    assert found["sda"].membership is not None
    assert found["sda"].membership.pool == "silver"


def test_a_pool_on_something_that_stands_on_a_disk_is_on_the_disk(tmp_path: Path) -> None:
    found = by_path(machine_of(tmp_path, "machine"), pool("deep", "5", "/dev/dm-1"))
    assert Code.POOL_MEMBER in codes(found["sdf"])


def test_pools_that_cannot_be_listed_speak_against_zfs_disks(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine", zpool=CommandTimeoutError(("zpool",), 20))
    (tmp_path / "sys/module/zfs").mkdir(parents=True)
    found = {disk.path: disk for disk in disks.disks(machine)}
    assert codes(found["/dev/sda"]) == [Code.POOLS_UNKNOWN]
    assert codes(found["/dev/sdh"]) == []


def test_the_disks_of_a_zfs_root_are_boot_disks(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine")
    row = "36 1 0:31 / / rw,relatime shared:1 - zfs tank/ROOT/debian rw,xattr\n"
    (tmp_path / "proc/self/mountinfo").write_text(row)
    found = by_path(machine, TANK)
    assert codes(found["sda"]) == [Code.BOOT_DISK, Code.POOL_MEMBER]
    assert Code.BOOT_DISK not in codes(found["sdc"])


def test_the_disk_that_the_boot_loader_was_on_is_a_boot_disk(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine")
    variable = tmp_path / "sys/firmware/efi/efivars"
    variable.mkdir(parents=True)
    text = "DDDDDDDD-0000-4000-8000-000000000001\0".encode("utf-16-le")
    name = "LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
    (variable / name).write_bytes(b"\x06\0\0\0" + text)
    assert Code.BOOT_DISK in codes(by_path(machine)["sdi"])


@pytest.mark.parametrize(
    ("file", "text", "is_formatted"),
    [
        ("device/scsi_disk/0:0:0:0/protection_type", "2\n", True),
        ("device/scsi_disk/0:0:0:0/protection_type", "0\n", False),
        ("integrity/format", "T10-DIF-TYPE1-CRC\n", True),
        ("integrity/format", "none\n", False),
        ("integrity/format", "nop\n", False),
    ],
)
def test_protection_information_is_seen(tmp_path: Path, file: str, text: str, is_formatted: bool) -> None:
    machine = machine_of(tmp_path, "machine")
    path = tmp_path / "sys/block/sdh" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert by_path(machine)["sdh"].has_protection is is_formatted


@pytest.mark.parametrize(
    ("file", "text", "celsius"),
    [
        ("device/hwmon/hwmon3/temp1_input", "34000\n", 34.0),
        ("device/hwmon1/temp1_input", "41850\n", 41.9),
        ("device/hwmon/hwmon3/temp1_input", "-2000\n", -2.0),
        ("device/hwmon/hwmon3/temp1_input", "warm\n", None),
        ("device/hwmon/hwmon3/temp1_input", "9" * 30, None),
    ],
)
def test_the_kernel_tells_the_temperature(
    tmp_path: Path, file: str, text: str, celsius: float | None
) -> None:
    machine = machine_of(tmp_path, "machine")
    path = tmp_path / "sys/block/sdh" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert by_path(machine)["sdh"].temperature_c == celsius


def test_a_name_that_leads_elsewhere_by_now_is_refused(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine")
    found = disks.disks(machine)
    link = tmp_path / "dev/disk/by-id/wwn-0x50014ee2b1234569"
    link.unlink()
    with pytest.raises(OperationError, match="unplugged or changed"):
        disks.resolve(machine, "WD-WX42D12345EF", found)
    link.symlink_to("../../sda")
    with pytest.raises(OperationError, match="unplugged or changed"):
        disks.resolve(machine, "WD-WX42D12345EF", found)


# --- taking ---


def test_free_disks_are_taken_read_and_asked(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=NO_SMART)
    taken = disks.take(machine, ("WD-WX42D12345EF", "22191X800123"), pools=(TANK,))
    assert [disk.path for disk in taken] == ["/dev/sdh", "/dev/nvme1n1"]
    assert all(disk.signatures == () and disk.is_held is False for disk in taken)
    assert (
        "wipefs",
        "--json",
        "--output",
        "DEVICE,TYPE,LABEL,UUID",
        "--",
        "/dev/sdh",
        "/dev/nvme1n1",
    ) in machine.ran
    asked = [argv[-1] for argv in machine.ran if argv[0] == "smartctl"]
    assert asked == [
        "/dev/disk/by-id/wwn-0x50014ee2b1234569",
        "/dev/disk/by-id/nvme-eui.e8238fa6bf530001001b448b4a1c2d3e",
    ]


def test_what_udev_did_not_see_is_read(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=NO_SMART)
    machine.says = {
        **machine.says,
        (
            "wipefs",
            "--json",
        ): '{"signatures": [{"device": "sdh", "type": "xfs", "label": "new", "uuid": null}]}',
    }
    with pytest.raises(OperationError, match="has data: xfs “new” on sdh"):
        disks.take(machine, ("WD-WX42D12345EF",), pools=())


def test_what_the_kernel_holds_is_not_taken(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=NO_SMART)
    machine.held = frozenset({tmp_path / "dev/sdh"})
    with pytest.raises(OperationError, match="kernel gives nobody else"):
        disks.take(machine, ("WD-WX42D12345EF",), pools=())


def test_a_disk_that_cannot_be_read_is_not_taken_and_spoils_no_other(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=NO_SMART)
    broken = CommandError(("wipefs",), 1, "Input/output error")
    fine = ("wipefs", "--json", "--output", "DEVICE,TYPE,LABEL,UUID", "--", "/dev/nvme1n1")
    machine.says = {**machine.says, ("wipefs", "--json"): broken, fine: ""}
    looked = disks.probed(machine, [by_path(machine)[name] for name in ("sdh", "nvme1n1")])
    assert [disk.signatures for disk in looked] == [None, ()]
    with pytest.raises(OperationError, match="was not read"):
        disks.take(machine, ("WD-WX42D12345EF",), pools=())


def test_a_disk_that_fails_by_its_own_words_is_not_taken(tmp_path: Path) -> None:
    said = '{"smart_status": {"passed": false}}'
    machine = machine_of(tmp_path, "machine", smartctl=said)
    with pytest.raises(OperationError, match="says itself that it fails"):
        disks.take(machine, ("WD-WX42D12345EF",), pools=())
    assert Code.SMART_FAILED in codes(by_path(machine)["sdh"])  # remembered


def test_every_reason_of_every_disk_is_told(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=NO_SMART)
    names = ("WD-WX42D12345AB", "S64DNX0R512345A")
    with pytest.raises(OperationError) as caught:
        disks.take(machine, names, pools=(TANK,))
    assert "part of the imported pool tank" in caught.value.message
    assert "this machine runs from" in caught.value.message


def test_two_names_of_one_disk_are_not_two_disks(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=NO_SMART)
    with pytest.raises(InvalidRequestError, match="are the same disk"):
        disks.take(machine, ("WD-WX42D12345EF", "wwn-0x50014ee2b1234569"), pools=())
    with pytest.raises(InvalidRequestError, match="is named twice"):
        disks.take(machine, ("WD-WX42D12345EF", "WD-WX42D12345EF"), pools=())


def test_an_override_is_for_the_disk_that_it_names(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "vm", smartctl=NO_SMART)
    with pytest.raises(OperationError, match="K06 has data: an encrypted volume"):
        disks.take(machine, ("K04", "K06"), overwrite=("K04",), pools=())
    taken = disks.take(machine, ("K04", "K06"), overwrite=("virtio-K04", "K06"), pools=())
    assert [disk.serial for disk in taken] == ["K04", "K06"]


@pytest.mark.parametrize(
    "name", ["SYSTEM", "K01", "K02", "K03", "K05", "K07", "K08", "K09", "RO1", "STICK1", "TINY"]
)
def test_what_is_more_than_data_cannot_be_overridden(tmp_path: Path, name: str) -> None:
    machine = machine_of(tmp_path, "vm", smartctl=NO_SMART)
    with pytest.raises(OperationError):
        disks.take(machine, (name,), overwrite=(name,), pools=())


def test_an_override_of_another_disk_is_an_error(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "vm", smartctl=NO_SMART)
    with pytest.raises(InvalidRequestError) as caught:
        disks.take(machine, ("K04",), overwrite=("K06",), pools=())
    assert caught.value.param == "overwrite"
    with pytest.raises(UnknownObjectError):
        disks.take(machine, ("K04",), overwrite=("nope",), pools=())


def test_one_of_two_disks_with_one_serial_is_taken_by_its_own_name(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "vm", smartctl=NO_SMART)
    with pytest.raises(OperationError, match="2 disks have the serial SAME"):
        disks.take(machine, ("SAME",), same_serial=("SAME",), pools=())
    name = "wwn-0x5000c50015ea71ac"
    with pytest.raises(OperationError, match="which another disk has"):
        disks.take(machine, (name,), pools=())
    (disk,) = disks.take(machine, (name,), same_serial=(name,), pools=())
    assert disks.identity(disk) == f"SAME {name}"


def test_an_exported_pool_is_lost_by_wiping_alone(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "vm", smartctl=NO_SMART)
    with pytest.raises(OperationError, match="oldpool"):
        disks.take(machine, ("K08",), overwrite=("K08",), pools=())
    assert disks.take(machine, ("K08",), use=Use.WIPE, pools=())[0].serial == "K08"


def test_lsblk_that_fails_is_an_error_and_no_empty_list(tmp_path: Path) -> None:
    machine = ScriptedMachine(root=tmp_path, says={("lsblk",): CommandError(("lsblk",), 1, "no")})
    with pytest.raises(CommandError):
        disks.disks(machine)
