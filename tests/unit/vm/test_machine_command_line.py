"""QEMU's command line."""

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tests.vm.machine.accel import Accel
from tests.vm.machine.qemu import (
    DirectKernel,
    Disk,
    Files,
    Firmware,
    Hardware,
    Medium,
    Run,
    command_line,
    identity,
)

FILES = Files(folder=Path("/work"), sockets=Path("/s"), serial_log=Path("/out/serial.log"))
ISO = Hardware(image=Path("/x.iso"), medium=Medium.CD, firmware=Firmware.BIOS)
DISK = Hardware(
    image=Path("/x.qcow2"),
    medium=Medium.DISK,
    firmware=Firmware.UEFI,
    disks=(Disk(serial="A", size_bytes=1), Disk(serial="B", size_bytes=1)),
)
RUN = Run(forwards={22: 4022}, credentials={"ssh.authorized_keys.root": b"ssh-ed25519 AAAA me\n"})


def values(argv: list[str], option: str) -> list[str]:
    return [argv[i + 1] for i, word in enumerate(argv) if word == option]


def nodes(argv: list[str]) -> dict[str, dict[str, Any]]:
    return {node["node-name"]: node for node in map(json.loads, values(argv, "-blockdev"))}


@pytest.mark.parametrize("hardware", [ISO, DISK])
def test_only_the_image_and_the_firmware_code_are_read_only(hardware):
    read_only = {name for name, node in nodes(command_line(hardware, FILES, RUN, Accel.TCG)).items()
                 if node["read-only"]}  # fmt: skip
    assert read_only == ({"image"} if hardware is ISO else {"code"})


@pytest.mark.parametrize("hardware", [ISO, DISK])
def test_a_checkpoint_covers_every_node_that_is_written(hardware):
    found = nodes(command_line(hardware, FILES, RUN, Accel.TCG))
    written = {name: Path(node["file"]["filename"]) for name, node in found.items() if not node["read-only"]}
    assert written == FILES.writable(hardware)


def test_the_image_itself_is_never_opened_by_a_disk_machine():
    assert "/x.qcow2" not in " ".join(command_line(DISK, FILES, RUN, Accel.TCG))


@pytest.mark.parametrize(
    ("accel", "cpu", "want"),
    [(Accel.TCG, "", "max"), (Accel.KVM, "", "host"), (Accel.TCG, "Nehalem", "Nehalem")],
)
def test_cpu(accel, cpu, want):
    argv = command_line(dataclasses.replace(ISO, cpu=cpu), FILES, RUN, accel)
    assert values(argv, "-cpu") == [want]


def test_no_accelerator_falls_back_behind_our_back():
    assert values(command_line(ISO, FILES, RUN, Accel.KVM), "-accel") == ["kvm"]
    assert values(command_line(ISO, FILES, RUN, Accel.TCG), "-accel") == ["tcg,thread=multi"]


def test_the_credential_carries_the_key():
    (text,) = values(command_line(ISO, FILES, RUN, Accel.TCG), "-smbios")
    head, _, value = text.partition(":ssh.authorized_keys.root=")
    assert head == "type=11,value=io.systemd.credential.binary"
    assert base64.b64decode(value) == b"ssh-ed25519 AAAA me\n"


def test_ports_are_forwarded_from_the_loopback_only():
    (network,) = values(command_line(ISO, FILES, RUN, Accel.TCG), "-netdev")
    assert network == "user,id=lan,hostfwd=tcp:127.0.0.1:4022-:22"


def test_every_extra_disk_has_its_serial_and_a_slot_of_its_own():
    devices = values(command_line(DISK, FILES, RUN, Accel.TCG), "-device")
    disks = [device for device in devices if "drive=data-" in device]
    assert [device.rpartition("serial=")[2] for device in disks] == ["A", "B"]
    slots = {device.partition("bus=")[2].partition(",")[0] for device in disks}
    assert slots == {"slot1", "slot2"}
    assert all(any(device.startswith(f"pcie-root-port,id={slot}") for device in devices) for slot in slots)


@pytest.mark.parametrize(
    ("firmware", "code", "smm"),
    [
        (Firmware.UEFI, "OVMF_CODE_4M.fd", False),
        (Firmware.SECURE_BOOT, "OVMF_CODE_4M.ms.fd", True),
    ],
)
def test_uefi_firmware(firmware, code, smm):
    argv = command_line(dataclasses.replace(ISO, firmware=firmware), FILES, RUN, Accel.TCG)
    assert Path(nodes(argv)["code"]["file"]["filename"]).name == code
    assert ("smm=on" in values(argv, "-machine")[0]) is smm


@pytest.mark.parametrize(("medium", "driver"), [(Medium.CD, "scsi-cd"), (Medium.USB, "usb-storage")])
def test_the_iso_is_the_first_to_boot_from(medium, driver):
    argv = command_line(dataclasses.replace(ISO, medium=medium), FILES, RUN, Accel.TCG)
    (first,) = [device for device in values(argv, "-device") if "bootindex=1" in device]
    assert first.startswith(driver)


def test_a_bus_comes_before_what_is_plugged_into_it():
    devices = values(
        command_line(dataclasses.replace(ISO, medium=Medium.USB), FILES, RUN, Accel.TCG), "-device"
    )
    kinds = [device.partition(",")[0] for device in devices]
    assert kinds.index("qemu-xhci") < kinds.index("usb-storage")


def test_direct_kernel():
    kernel = DirectKernel(kernel=Path("/k"), initrd=Path("/i"), arguments="root=/dev/vda quiet")
    argv = command_line(dataclasses.replace(DISK, kernel=kernel), FILES, RUN, Accel.TCG)
    assert values(argv, "-append") == ["root=/dev/vda quiet"]
    assert "-kernel" not in command_line(DISK, FILES, RUN, Accel.TCG)


def test_a_run_for_a_person_has_a_window_or_a_console():
    window = command_line(ISO, FILES, dataclasses.replace(RUN, window=True), Accel.TCG)
    console = command_line(ISO, FILES, dataclasses.replace(RUN, console=True), Accel.TCG)
    assert values(window, "-display")[0].startswith("gtk")
    assert values(console, "-display") == ["none"]
    assert any(text.startswith("stdio") for text in values(console, "-chardev"))


def test_a_comma_in_a_path_does_not_end_the_option():
    files = dataclasses.replace(FILES, serial_log=Path("/a,b/serial.log"))
    assert any("logfile=/a,,b/serial.log" in word for word in command_line(ISO, files, RUN, Accel.TCG))


def test_what_differs_from_run_to_run_is_not_the_machines_identity():
    base = identity(DISK, Accel.TCG)
    assert "4022" not in " ".join(base)
    assert "-smbios" not in base
    assert "/work" not in " ".join(base)


@pytest.mark.parametrize(
    "change", [{"memory_mib": 4096}, {"cpus": 1}, {"cpu": "Nehalem"}, {"disks": ()},
               {"firmware": Firmware.BIOS}, {"medium": Medium.USB}],
)  # fmt: skip
def test_hardware_is_the_machines_identity(change):
    assert identity(DISK, Accel.TCG) != identity(dataclasses.replace(DISK, **change), Accel.TCG)
    assert identity(DISK, Accel.TCG) != identity(DISK, Accel.KVM)
