"""Which accelerator QEMU can really use on this host.

That `/dev/kvm` opens and even creates virtual machines does not mean that a stock kernel boots with it
(nested and partial implementations hang in the kernel's decompressor), and QEMU's own fallback
`-accel kvm:tcg` does not notice. So a kernel is booted for some seconds and the answer remembered.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.vm.machine.errors import MachineError
from tests.vm.machine.process import run, watch

KVM_DEVICE = Path("/dev/kvm")
PROBE_SECONDS = 20.0
PROOF = "Unable to mount root fs"
"""A kernel without a root file system ends with these words: it got through all of its own start."""


class Accel(StrEnum):
    """What executes the guest's instructions."""

    KVM = "kvm"
    TCG = "tcg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The accelerator to use, and the reason in words."""

    accel: Accel
    reason: str


def accel_arguments(accel: Accel) -> list[str]:
    """QEMU's arguments that select `accel`; never a list of alternatives."""
    return ["-accel", "kvm" if accel is Accel.KVM else "tcg,thread=multi"]


def default_cpu(accel: Accel) -> str:
    """The CPU model that offers most with `accel`."""
    return "host" if accel is Accel.KVM else "max"


def probe_command(kernel: Path) -> list[str]:
    """QEMU with hardware virtualisation and nothing but a kernel, which panics at once and ends it."""
    return [
        "qemu-system-x86_64", "-machine", "q35", *accel_arguments(Accel.KVM),
        "-cpu", default_cpu(Accel.KVM), "-m", "512", "-smp", "1", "-nodefaults", "-display", "none",
        "-serial", "stdio", "-no-reboot", "-kernel", os.fspath(kernel),
        "-append", "console=ttyS0 earlyprintk=serial,ttyS0 panic=-1",
    ]  # fmt: skip


def decide(*, usable_device: bool, remembered: str | None, probe: Callable[[], str]) -> Verdict:
    """The verdict from what is known; `probe` runs only when nothing else settles it.

    Args:
        usable_device: `/dev/kvm` is there and may be opened.
        remembered: the accelerator found earlier for the same kernel, QEMU and host.
        probe: boots a kernel and returns what it wrote.
    """
    if not usable_device:
        return Verdict(accel=Accel.TCG, reason="/dev/kvm is missing or may not be opened")
    if remembered in set(Accel):
        return Verdict(accel=Accel(remembered), reason="found by an earlier boot")
    if PROOF in probe():
        return Verdict(accel=Accel.KVM, reason="a kernel booted with it")
    return Verdict(accel=Accel.TCG, reason="/dev/kvm opens, but a kernel does not boot with it")


def memory_key(*, qemu_version: str, host: str, kernel: bytes) -> str:
    """The name under which a verdict is remembered."""
    return hashlib.sha256("\0".join((qemu_version, host)).encode() + kernel).hexdigest()[:32]


def qemu_version() -> str:
    """First line of `qemu-system-x86_64 --version`."""
    return run(["qemu-system-x86_64", "--version"], timeout_s=60).out.splitlines()[0]


def find_accel(kernel: Callable[[], Path], *, cache: Path) -> Verdict:
    """The accelerator for this host, by booting `kernel()` with it unless the answer is known.

    `SIGMAVAULT_ACCEL` (kvm or tcg) overrides.
    """
    if asked := os.environ.get("SIGMAVAULT_ACCEL"):
        return Verdict(accel=Accel(asked), reason="SIGMAVAULT_ACCEL")
    if not os.access(KVM_DEVICE, os.R_OK | os.W_OK):
        return decide(usable_device=False, remembered=None, probe=str)
    try:
        file = kernel()
    except MachineError as error:
        return Verdict(accel=Accel.TCG, reason=f"no kernel to try /dev/kvm with: {error}")
    host = f"{platform.release()} {_host_cpu()}"
    key = memory_key(qemu_version=qemu_version(), host=host, kernel=file.read_bytes())
    note = cache / "vm" / "accel" / f"{key}.json"
    remembered = json.loads(note.read_text())["accel"] if note.is_file() else None
    verdict = decide(
        usable_device=True,
        remembered=remembered,
        probe=lambda: watch(probe_command(file), seconds=PROBE_SECONDS),
    )
    if remembered is None:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"accel": verdict.accel, "reason": verdict.reason}) + "\n")
    return verdict


def _host_cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
