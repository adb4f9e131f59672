"""`make vm`: a machine for a person. The image is never changed; the machine's own disks are kept."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from pathlib import Path

from tests.vm.machine.errors import MachineError
from tests.vm.machine.images import image_format
from tests.vm.machine.machine import Machine, Options, Place
from tests.vm.machine.qemu import Disk, Firmware, Hardware, Medium

GIB = 1024**3
PORTS = {22: "ssh", 445: "SMB", 2049: "NFS", 3000: "web"}
ROOT = Path(__file__).resolve().parents[3]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make vm ARGS='…'", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--iso", action="store_true", help="boot the ISO (the default)")
    what.add_argument("--disk", action="store_true", help="boot the disk image")
    parser.add_argument("--image", type=Path, help="a file other than the one just built")
    parser.add_argument("--firmware", type=Firmware, choices=list(Firmware), help="default: bios, disk: uefi")
    parser.add_argument("--usb", action="store_true", help="plug the ISO in as a USB stick")
    parser.add_argument("--memory", type=int, default=4096, metavar="MIB")
    parser.add_argument("--cpus", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--disks", type=int, default=2, metavar="N", help="blank disks of 20 GiB (default 2)")
    parser.add_argument(
        "--console", action="store_true", help="serial console here, even where a window fits"
    )
    parser.add_argument("--fresh", action="store_true", help="forget the disks of the last time")
    return parser


def find_image(*, disk: bool, given: Path | None) -> Path:
    """The image to boot: the one named, the one in the environment, or the newest one built.

    Raises:
        MachineError: there is none.
    """
    variable, pattern = ("SIGMAVAULT_DISK", "*.qcow2") if disk else ("SIGMAVAULT_ISO", "*.iso")
    if given is None and (named := os.environ.get(variable)):
        given = Path(named)
    if given is not None:
        if not given.is_file():
            raise MachineError(f"{given} is not there")
        return given
    built = sorted((ROOT / "build" / "out").glob(pattern), key=lambda file: file.stat().st_mtime)
    if not built:
        raise MachineError(f"nothing built yet: run `make {'disk' if disk else 'iso'}`, or give --image")
    return built[-1]


def hardware_of(options: argparse.Namespace) -> Hardware:
    """The machine that the command line asks for."""
    given: Path | None = options.image
    is_disk = options.disk or (given is not None and given.is_file() and image_format(given) == "qcow2")
    medium = Medium.DISK if is_disk else Medium.USB if options.usb else Medium.CD
    return Hardware(
        image=find_image(disk=is_disk, given=given),
        medium=medium,
        firmware=options.firmware or (Firmware.UEFI if is_disk else Firmware.BIOS),
        memory_mib=options.memory,
        cpus=options.cpus,
        disks=tuple(Disk(serial=f"DISK{n}", size_bytes=20 * GIB) for n in range(1, options.disks + 1)),
        system_bytes=20 * GIB if is_disk else 0,
    )


def _state(hardware: Hardware, cache: Path) -> Path:
    """Where this machine's disks are kept: an overlay fits only the image it was made on."""
    image = hardware.image.resolve()
    stat = image.stat()
    text = f"{image} {stat.st_size} {stat.st_mtime_ns} {hardware.firmware}"
    return cache / "vm" / "person" / hashlib.sha256(text.encode()).hexdigest()[:16]


def _tell(machine: Machine) -> None:
    say = sys.stderr.write
    say(f"{machine.hardware.image.name}, {machine.hardware.firmware}; {machine.verdict.accel}: ")
    say(f"{machine.verdict.reason}\n")
    for guest, host in machine.ports.items():
        say(f"  {PORTS[guest]:5} 127.0.0.1:{host}\n")
    say(f"  root: ssh -S none -F {machine.ssh.config} vm   (in `make shell`)\n")
    say(f"  disks, kept: {machine.files.folder}\n")
    if machine.options.console:
        say("  the serial console is this terminal; Ctrl-A X switches off, Ctrl-A C is QEMU's monitor\n")


def main() -> int:
    """Open the machine; returns QEMU's exit code."""
    options = _parser().parse_args()
    cache = Path(os.environ.get("SIGMAVAULT_CACHE", "/cache"))
    window = bool(os.environ.get("DISPLAY")) and not options.console
    try:
        hardware = hardware_of(options)
        state = _state(hardware, cache)
        if options.fresh and state.is_dir():
            for file in state.glob("*.qcow2"):
                file.unlink()
        place = Place(cache=cache, artefacts=state / "log", state=state)
        outside = Options(guest_ports=tuple(PORTS), window=window, console=not window)
        with Machine("person", hardware, place, outside) as machine:
            machine.start()
            _tell(machine)
            return machine.wait_for_exit()
    except MachineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
