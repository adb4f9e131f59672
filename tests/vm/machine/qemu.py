"""QEMU's command line: pure, from a description of the machine to an argument list.

What belongs to the machine (`Hardware`) decides whether a checkpoint fits; what belongs to one run of it
(`Run`: ports, credentials, a window) does not.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.vm.machine.accel import Accel, accel_arguments, default_cpu

OVMF = Path("/usr/share/OVMF")
SHELF_SLOT = "shelf-slot"
"""An empty slot, for whatever a test plugs in while the machine runs."""


class Firmware(StrEnum):
    """What starts the machine."""

    BIOS = "bios"
    UEFI = "uefi"
    SECURE_BOOT = "secure-boot"


class Medium(StrEnum):
    """As what the image is plugged in."""

    CD = "cd"
    USB = "usb"
    DISK = "disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A blank extra disk; the guest sees it as `/dev/disk/by-id/virtio-<serial>`."""

    serial: str
    size_bytes: int

    @property
    def device_id(self) -> str:
        """Its name on the QMP side."""
        return f"disk-{self.serial}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectKernel:
    """A kernel that is started without firmware menus and boot loader."""

    kernel: Path
    initrd: Path
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """A machine as one would order it.

    Attributes:
        image: the ISO or the disk image; never written to.
        system_bytes: size of the disk that starts as a copy of a disk image; 0 = as large as the image.
        cpu: a QEMU CPU model; empty = the best the accelerator has.
        disks: extra disks, each on a slot of its own, so that it can be pulled.
    """

    image: Path
    medium: Medium
    firmware: Firmware
    memory_mib: int = 2048
    cpus: int = 2
    cpu: str = ""
    disks: tuple[Disk, ...] = ()
    system_bytes: int = 0
    kernel: DirectKernel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where a machine keeps what it writes."""

    folder: Path
    sockets: Path
    serial_log: Path

    @property
    def system(self) -> Path:
        """Overlay over the disk image."""
        return self.folder / "system.qcow2"

    @property
    def variables(self) -> Path:
        """UEFI variables."""
        return self.folder / "variables.qcow2"

    @property
    def vmstate(self) -> Path:
        """Attached to nothing: holds the memory of a checkpoint."""
        return self.folder / "vmstate.qcow2"

    def disk(self, disk: Disk) -> Path:
        """An extra disk."""
        return self.folder / f"disk-{disk.serial}.qcow2"

    @property
    def qmp(self) -> Path:
        """QEMU's control socket."""
        return self.sockets / "qmp.sock"

    def writable(self, hardware: Hardware) -> dict[str, Path]:
        """QEMU node name → file, of everything that a checkpoint consists of."""
        nodes = {"vmstate": self.vmstate}
        if hardware.firmware is not Firmware.BIOS:
            nodes["variables"] = self.variables
        if hardware.medium is Medium.DISK:
            nodes["system"] = self.system
        return nodes | {f"data-{disk.serial}": self.disk(disk) for disk in hardware.disks}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a machine.

    Attributes:
        forwards: port of the guest → port on the host's 127.0.0.1.
        credentials: systemd credentials, handed over as a hypervisor does (SMBIOS).
        window: show the screen in a window.
        console: give the serial console our terminal.
        paused: do not execute anything until told (a checkpoint is loaded first).
    """

    forwards: dict[int, int]
    credentials: dict[str, bytes]
    window: bool = False
    console: bool = False
    paused: bool = False


def firmware_files(firmware: Firmware) -> tuple[Path, Path]:
    """Code and the factory state of the variables, of a UEFI firmware."""
    if firmware is Firmware.SECURE_BOOT:
        return OVMF / "OVMF_CODE_4M.ms.fd", OVMF / "OVMF_VARS_4M.ms.fd"
    return OVMF / "OVMF_CODE_4M.fd", OVMF / "OVMF_VARS_4M.fd"


def command_line(hardware: Hardware, files: Files, run: Run, accel: Accel) -> list[str]:
    """The whole command line."""
    return [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config",
        # A device whose state cannot be saved is an error now, not when the checkpoint is made.
        "-only-migratable",
        *accel_arguments(accel),
        "-cpu", hardware.cpu or default_cpu(accel),
        "-smp", str(hardware.cpus), "-m", str(hardware.memory_mib),
        # The guest's clock goes on where a checkpoint left it.
        "-rtc", "base=utc,clock=vm",
        # Before whatever is plugged into it.
        "-device", "qemu-xhci,id=usb",
        *_firmware(hardware, files), *_medium(hardware, files), *_disks(hardware, files),
        *_kernel(hardware), *_fixed_devices(files), *_network(run), *_credentials(run), *_ways_in(files, run),
    ]  # fmt: skip


def identity(hardware: Hardware, accel: Accel) -> list[str]:
    """The command line without what may differ between saving and restoring a checkpoint."""
    nowhere = Path("/nowhere")
    files = Files(folder=nowhere, sockets=nowhere, serial_log=nowhere)
    return command_line(hardware, files, Run(forwards={}, credentials={}), accel)


def _blockdev(node: str, file: Path, *, driver: str = "qcow2", read_only: bool = False) -> list[str]:
    options = {
        "driver": driver, "node-name": node, "read-only": read_only,
        # The disk is as durable as the host's page cache: what outlives QEMU is enough for a power cut.
        "cache": {"direct": False, "no-flush": True},
        "file": {"driver": "file", "filename": os.fspath(file)},
    }  # fmt: skip
    if driver == "qcow2":
        options["discard"] = "unmap"
    return ["-blockdev", json.dumps(options)]


def _firmware(hardware: Hardware, files: Files) -> list[str]:
    if hardware.firmware is Firmware.BIOS:
        return ["-machine", "q35"]
    code, _ = firmware_files(hardware.firmware)
    # Only firmware running in system management mode may write the variables that Secure Boot rests on.
    secure = ",smm=on" if hardware.firmware is Firmware.SECURE_BOOT else ""
    locked = ["-global", "driver=cfi.pflash01,property=secure,value=on"] if secure else []
    return [
        "-machine", f"q35,pflash0=code,pflash1=variables{secure}", *locked,
        *_blockdev("code", code, driver="raw", read_only=True),
        *_blockdev("variables", files.variables),
    ]  # fmt: skip


def _medium(hardware: Hardware, files: Files) -> list[str]:
    if hardware.medium is Medium.DISK:
        return [
            *_blockdev("system", files.system),
            "-device", "virtio-blk-pci,drive=system,serial=SYSTEM,bootindex=1",
        ]  # fmt: skip
    image = _blockdev("image", hardware.image, driver="raw", read_only=True)
    if hardware.medium is Medium.USB:
        return [*image, "-device", "usb-storage,bus=usb.0,drive=image,bootindex=1"]
    return [
        *image, "-device", "virtio-scsi-pci,id=scsi",
        "-device", "scsi-cd,bus=scsi.0,drive=image,bootindex=1",
    ]  # fmt: skip


def _disks(hardware: Hardware, files: Files) -> list[str]:
    words: list[str] = []
    for number, disk in enumerate(hardware.disks, start=1):
        device = disk_device(hardware, disk)
        options = ",".join(f"{name}={value}" for name, value in device.items() if name != "driver")
        words += [
            *_blockdev(device["drive"], files.disk(disk)),
            "-device", f"pcie-root-port,id={device["bus"]},chassis={number},slot={number}",
            "-device", f"{device["driver"]},{options}",
        ]  # fmt: skip
    return [*words, "-device", f"pcie-root-port,id={SHELF_SLOT},chassis=100,slot=100"]


def disk_device(hardware: Hardware, disk: Disk) -> dict[str, str]:
    """An extra disk as QEMU's `-device` and `device_add` take it: in a slot of its own."""
    return {
        "driver": "virtio-blk-pci", "id": disk.device_id, "bus": f"slot{hardware.disks.index(disk) + 1}",
        "drive": f"data-{disk.serial}", "serial": disk.serial,
    }  # fmt: skip


def _kernel(hardware: Hardware) -> list[str]:
    if hardware.kernel is None:
        return []
    kernel = hardware.kernel
    return [
        "-kernel", os.fspath(kernel.kernel), "-initrd", os.fspath(kernel.initrd), "-append", kernel.arguments,
    ]  # fmt: skip


def _fixed_devices(files: Files) -> list[str]:
    return [
        "-device", "usb-tablet,bus=usb.0",
        "-device", "virtio-vga", "-device", "virtio-rng-pci",
        *_blockdev("vmstate", files.vmstate),
    ]  # fmt: skip


def _network(run: Run) -> list[str]:
    forwards = "".join(f",hostfwd=tcp:127.0.0.1:{host}-:{guest}" for guest, host in run.forwards.items())
    return ["-netdev", f"user,id=lan{forwards}", "-device", "virtio-net-pci,netdev=lan,mac=52:54:00:53:56:01"]


def _credentials(run: Run) -> list[str]:
    words: list[str] = []
    for name, value in run.credentials.items():
        text = base64.b64encode(value).decode()
        words += ["-smbios", f"type=11,value=io.systemd.credential.binary:{name}={text}"]
    return words


def _ways_in(files: Files, run: Run) -> list[str]:
    log = f"logfile={_quoted(files.serial_log)},logappend=on"
    if run.console:
        serial = f"stdio,id=serial,mux=on,signal=off,{log}"
        monitor = ["-mon", "chardev=serial,mode=readline"]
    else:
        serial = f"null,id=serial,{log}"
        monitor = []
    return [
        "-display", "gtk,show-tabs=off" if run.window else "none",
        "-chardev", serial, "-serial", "chardev:serial", *monitor,
        "-chardev", f"socket,id=qmp,path={_quoted(files.qmp)},server=on,wait=off",
        "-mon", "chardev=qmp,mode=control",
        *(["-S"] if run.paused else []),
    ]  # fmt: skip


def _quoted(file: Path) -> str:
    """A path inside a comma-separated option: QEMU wants commas doubled."""
    return os.fspath(file).replace(",", ",,")
