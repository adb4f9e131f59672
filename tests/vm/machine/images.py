"""Images under test and the files of a machine that is made from one."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from tests.vm.machine.errors import MachineError
from tests.vm.machine.process import Arg, run
from tests.vm.machine.qemu import Files, Firmware, Hardware, Medium, firmware_files

ESP_MIB = 1100
"""As much of the start of a disk image as is searched for a kernel; holds the EFI partition."""

KERNELS_KEPT = 3


def fingerprint(image: Path, *, cache: Path) -> str:
    """The image's sha256; remembered by path, size and time of change, for it takes seconds."""
    stat = image.stat()
    name = hashlib.sha256(f"{image} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}".encode()).hexdigest()
    note = cache / "vm" / "fingerprints" / name[:32]
    if note.is_file():
        return note.read_text()
    with image.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(digest)
    return digest


def image_format(image: Path) -> str:
    """qcow2 or raw, by the file's first bytes."""
    with image.open("rb") as file:
        return "qcow2" if file.read(4) == b"QFI\xfb" else "raw"


def make_files(hardware: Hardware, files: Files) -> None:
    """Create what is not there yet; a disk that is there keeps its content."""
    files.folder.mkdir(parents=True, exist_ok=True)
    _create(files.vmstate, "64M")
    for disk in hardware.disks:
        _create(files.disk(disk), str(disk.size_bytes))
    if hardware.medium is Medium.DISK and not files.system.exists():
        _create_overlay(hardware, files.system)
    if hardware.firmware is not Firmware.BIOS and not files.variables.exists():
        _, variables = firmware_files(hardware.firmware)
        run(["qemu-img", "convert", "-O", "qcow2", "--", variables, files.variables], timeout_s=60)


def _create(file: Path, size: str) -> None:
    if not file.exists():
        run(["qemu-img", "create", "-q", "-f", "qcow2", "--", file, size], timeout_s=60)


def _create_overlay(hardware: Hardware, file: Path) -> None:
    size = [str(hardware.system_bytes)] if hardware.system_bytes else []
    base: list[Arg] = ["-b", hardware.image.resolve(), "-F", image_format(hardware.image)]
    run(["qemu-img", "create", "-q", "-f", "qcow2", *base, "--", file, *size], timeout_s=60)


def virtual_bytes(image: Path) -> int:
    """Size of the disk that an image stands for."""
    said = run(["qemu-img", "info", "--output=json", "-U", "--", image], timeout_s=60).out
    return int(json.loads(said)["virtual-size"])


def kernel_of(hardware: Hardware, *, cache: Path) -> Path:
    """A Linux kernel out of the image, to try an accelerator with; kept for the next machine.

    Raises:
        MachineError: none found where Debian's live images and systemd-boot keep it.
    """
    if hardware.kernel is not None:
        return hardware.kernel.kernel
    kernels = cache / "vm" / "kernels"
    kernel = kernels / fingerprint(hardware.image, cache=cache)
    if not kernel.is_file():
        kernels.mkdir(parents=True, exist_ok=True)
        for old in sorted(kernels.iterdir(), key=lambda file: file.stat().st_mtime)[:-KERNELS_KEPT]:
            old.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(dir=kernels.parent) as folder:
            is_disk = hardware.medium is Medium.DISK
            found = (_kernel_of_disk if is_disk else _kernel_of_iso)(hardware.image, Path(folder))
            found.replace(kernel)
    return kernel


def _kernel_of_iso(image: Path, folder: Path) -> Path:
    kernel = folder / "vmlinuz"
    look: list[Arg] = ["xorriso", "-indev", image, "-find", "/live", "-name", "vmlinuz*"]
    names = [line.strip("'") for line in run(look, timeout_s=120).out.splitlines() if "vmlinuz" in line]
    if not names:
        raise MachineError("no kernel in /live of the ISO")
    run(["xorriso", "-osirrox", "on", "-indev", image, "-extract", names[0], kernel], timeout_s=120)
    return kernel


def _kernel_of_disk(image: Path, folder: Path) -> Path:
    start = folder / "start.raw"
    run(
        ["qemu-img", "dd", "-f", image_format(image), "-O", "raw", "bs=1M", f"count={ESP_MIB}",
         f"if={image}", f"of={start}"], timeout_s=120,
    )  # fmt: skip
    # As long as the disk, or the partition table is taken for a damaged one.
    os.truncate(start, virtual_bytes(image))
    table = json.loads(run(["sfdisk", "--json", "--", start], timeout_s=60).out)["partitiontable"]
    esp = next((part for part in table["partitions"] if part["type"].upper().startswith("C12A7328")), None)
    if esp is None:
        raise MachineError("the disk image has no EFI system partition")
    where = f"{start}@@{esp['start'] * int(table['sectorsize'])}"
    listed = run(["mdir", "-b", "-/", "-i", where, "::"], timeout_s=60).out.splitlines()
    kernel = _pick_kernel(where, [name.strip() for name in listed], folder)
    start.unlink()
    return kernel


def _pick_kernel(where: str, names: list[str], folder: Path) -> Path:
    kernel, unified = folder / "vmlinuz", folder / "unified.efi"
    for name in names:
        last = name.rpartition("/")[2].lower()
        if last in {"linux", "vmlinuz"} or last.startswith("vmlinuz-"):
            run(["mcopy", "-n", "-o", "-i", where, name, kernel], timeout_s=60)
            return kernel
        if "/efi/linux/" in name.lower() and last.endswith(".efi"):
            run(["mcopy", "-n", "-o", "-i", where, name, unified], timeout_s=60)
            run(["objcopy", "-O", "binary", "--only-section=.linux", unified, kernel], timeout_s=60)
            return kernel
    raise MachineError("no kernel in the EFI system partition")
