"""A virtual machine from power-on to power-off, and everything one does to it from outside."""

from __future__ import annotations

import contextlib
import fcntl
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.vm.machine import images
from tests.vm.machine.accel import Verdict, find_accel, qemu_version
from tests.vm.machine.checkpoint import TAG, Store, checkpoint_key
from tests.vm.machine.errors import GuestError, MachineError, MachineGoneError
from tests.vm.machine.guest import Guest
from tests.vm.machine.keys import keys_of
from tests.vm.machine.process import Done, spawn
from tests.vm.machine.qemu import Disk, Files, Hardware, Run, command_line, disk_device, identity
from tests.vm.machine.qmp import Qmp
from tests.vm.machine.ssh import Ssh, free_port
from tests.vm.machine.timing import TimeScale, retry

SSH_PORT = 22
LOGIN_PROMPT = re.compile(r"^\S+ login: |^\w+@[\w-]+:\S* ?[$#] ?$", re.MULTILINE)
"""A login prompt, or the shell prompt of somebody who was logged in without being asked."""
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>78cM])|\r")

_LOST_TIMER = "end Kernel panic - not syncing: IO-APIC + timer doesn't work"
"""The last words when a busy host gives the emulated processor no time while the kernel waits for ten ticks
(`timer_irq_works` in its io_apic.c). It has touched no disk by then, and under KVM it does not look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a machine leaves things.

    Attributes:
        cache: large files that come and go, checkpoints, remembered answers.
        artefacts: what a person reads afterwards.
        state: the machine's disks, when they shall outlive it; None = removed with it.
    """

    cache: Path
    artefacts: Path
    state: Path | None = None


@dataclass(slots=True, kw_only=True)
class Options:
    """What a person or a test wants of the outside of a machine."""

    guest_ports: tuple[int, ...] = (SSH_PORT,)
    window: bool = False
    console: bool = False
    credentials: dict[str, bytes] = field(default_factory=dict)


class Machine(Guest):
    """A machine; a context manager that ends it and removes its files."""

    def __init__(self, name: str, hardware: Hardware, place: Place, options: Options | None = None) -> None:
        self.hardware = hardware
        self.place = place
        self.options = options or Options()
        self._lock = _work_folder(place, name)
        folder = place.state or Path(self._lock.name).parent
        sockets = Path(tempfile.mkdtemp(prefix="vm-"))
        place.artefacts.mkdir(parents=True, exist_ok=True)
        self.files = Files(folder=folder, sockets=sockets, serial_log=place.artefacts / "serial.log")
        for log in (self.files.serial_log, self._qemu_log):
            log.unlink(missing_ok=True)
        self.ports = {port: free_port() for port in self.options.guest_ports}
        self.verdict: Verdict = find_accel(
            lambda: images.kernel_of(hardware, cache=place.cache), cache=place.cache
        )
        self._qemu: subprocess.Popen[bytes] | None = None
        self._qmp: Qmp | None = None
        self.powered_on = 0.0
        self._serial_from = 0
        ssh = Ssh(folder=folder, sockets=sockets, port=self.ports[SSH_PORT])
        super().__init__(name, ssh, TimeScale.of(self.verdict.accel))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- power ---

    def start(self, *, paused: bool = False) -> None:
        """Switch on; returns when QEMU runs, long before the guest does."""
        images.make_files(self.hardware, self.files)
        credentials = {
            "ssh.authorized_keys.root": self.ssh.public_key,
            # A login prompt on the serial console also where the kernel was not told of one.
            "getty.ttys.serial": b"ttyS0",
        }
        run = Run(
            forwards=self.ports, credentials=credentials | self.options.credentials, paused=paused,
            window=self.options.window, console=self.options.console,
        )  # fmt: skip
        argv = command_line(self.hardware, self.files, run, self.verdict.accel)
        self._serial_from = self._serial_size()
        self.powered_on = time.monotonic()
        self._qemu = spawn(argv, log=self._qemu_log, interactive=self.options.console)
        retry(self._connect, timeout_s=60, interval_s=0.05, what="QEMU's control socket")

    @property
    def _qemu_log(self) -> Path:
        return self.place.artefacts / "qemu.log"

    def _connect(self, last: bool) -> bool:
        self.check_alive()
        try:
            self._qmp = Qmp(self.files.qmp)
        except OSError as error:
            if last:
                raise MachineError(f"QEMU's control socket: {error}") from error
            return False
        return True

    def check_alive(self) -> None:
        """Raises MachineGoneError when QEMU has ended."""
        if self._qemu is None:
            raise MachineError(f"{self.name} is switched off")
        if self._qemu.poll() is not None:
            end = self._qemu_log.read_text()[-2000:] if self._qemu_log.is_file() else ""
            raise MachineGoneError(f"QEMU ended with {self._qemu.returncode}\n{end}")

    def check_boot(self) -> None:
        """Starts a machine anew that the emulator left without a timer (`_LOST_TIMER`).

        Raises:
            MachineGoneError: QEMU has ended.
        """
        self.check_alive()
        if _LOST_TIMER in self.serial():
            self.qmp.execute("system_reset")
            self.wait_for_reset()

    @property
    def is_on(self) -> bool:
        """Whether QEMU runs."""
        return self._qemu is not None and self._qemu.poll() is None

    def execute(self, *argv: str, timeout_s: float = 60, stdin: bytes = b"") -> Done:
        """As `Guest.execute`; a guest that is not reached because QEMU has ended is told as that."""
        try:
            return super().execute(*argv, timeout_s=timeout_s, stdin=stdin)
        except MachineError:
            self.check_alive()
            raise

    @property
    def qmp(self) -> Qmp:
        """The control socket of a machine that is on."""
        self.check_alive()
        if self._qmp is None:
            raise MachineError(f"{self.name} is switched off")
        return self._qmp

    def cut_power(self) -> None:
        """As pulling the plug: nothing in the guest's memory is written."""
        if self._qemu is not None and self.is_on:
            self._qemu.kill()
        self._ended()

    def shut_down(self, *, timeout_s: float = 60) -> None:
        """Press the power button and wait until the machine is off.

        Raises:
            GuestError: the guest does not switch itself off.
        """
        self.qmp.execute("system_powerdown")
        try:
            self._process().wait(self.scale.limit(timeout_s))
        except subprocess.TimeoutExpired:
            raise GuestError(f"{self.name} does not switch off") from None
        self._ended()

    def reboot(self, *, timeout_s: float = 120) -> None:
        """Reboot from inside and wait for ssh of the new system."""
        before = self.boot_id()
        self.restart()
        self.wait_for_ssh(timeout_s=timeout_s)
        if self.boot_id() == before:
            raise GuestError(f"{self.name} did not reboot")

    def restart(self) -> None:
        """Reboot from inside; returns when the firmware has taken over.

        Raises:
            GuestError: the guest does not go down.
        """
        self.execute("systemctl", "reboot")
        self.ssh.close()
        self.wait_for_reset()

    def wait_for_reset(self) -> None:
        """Wait until the machine starts anew by itself; `serial` then has what came since.

        Raises:
            GuestError: it does not.
        """
        if not self.qmp.wait_for_event("RESET", timeout_s=self.scale.limit(60)):
            raise GuestError(f"{self.name} does not start anew")
        self._serial_from = self._serial_size()

    def boot_id(self) -> str:
        """A value that differs from boot to boot."""
        return self.succeed("cat", "/proc/sys/kernel/random/boot_id").strip()

    def wait_for_exit(self) -> int:
        """Wait, for ever, until QEMU ends by itself."""
        return self._process().wait()

    def _process(self) -> subprocess.Popen[bytes]:
        if self._qemu is None:
            raise MachineError(f"{self.name} is switched off")
        return self._qemu

    def _ended(self) -> None:
        if self._qemu is None:
            return
        self._qemu.wait(60)
        if self._qmp is not None:
            self._qmp.close()
        self.ssh.close()
        self._qemu = self._qmp = None

    def close(self) -> None:
        """Switch off hard and remove what is not to be kept."""
        self.cut_power()
        self.ssh.remove()
        shutil.rmtree(Path(self._lock.name).parent, ignore_errors=True)
        self._lock.close()

    # --- watching ---

    def serial(self) -> str:
        """What came over the serial line since the last boot, without terminal escapes."""
        if not self.files.serial_log.is_file():
            return ""
        with self.files.serial_log.open("rb") as log:
            log.seek(self._serial_from)
            return _ESCAPES.sub("", log.read().decode(errors="replace"))

    def _serial_size(self) -> int:
        return self.files.serial_log.stat().st_size if self.files.serial_log.is_file() else 0

    def wait_for_serial(self, pattern: re.Pattern[str], *, timeout_s: float) -> float:
        """Wait for a text on the serial line; returns seconds since power-on.

        Raises:
            GuestError: it did not come; the message ends with what did.
        """

        def attempt(last: bool) -> bool:
            self.check_boot()
            text = self.serial()
            if pattern.search(text):
                return True
            if last:
                raise GuestError(f"{pattern.pattern!r} not on the serial line, but:\n{text[-1500:]}")
            return False

        retry(attempt, timeout_s=self.scale.limit(timeout_s), interval_s=0.5, what=pattern.pattern)
        return time.monotonic() - self.powered_on

    def wait_for_login(self, *, timeout_s: float = 60) -> float:
        """Wait for a login prompt on the serial console; returns seconds since power-on."""
        return self.wait_for_serial(LOGIN_PROMPT, timeout_s=timeout_s)

    def wait_for_ssh(self, *, timeout_s: float = 60) -> float:
        """Wait until root's key opens a session; returns seconds since power-on."""

        def attempt(last: bool) -> bool:
            self.check_boot()
            done = self.ssh.run(["true"], timeout_s=self.scale.limit(20))
            if last and done.code != 0:
                raise GuestError(f"no ssh: {done.err}\n{self.serial()[-1500:]}")
            return done.code == 0

        retry(attempt, timeout_s=self.scale.limit(timeout_s), interval_s=2, what="ssh")
        return time.monotonic() - self.powered_on

    def screenshot(self, name: str) -> Path:
        """Save the screen as `<name>.png` among the artefacts."""
        file = self.place.artefacts / f"{name}.png"
        self.qmp.screendump(file)
        return file

    # --- touching ---

    def press(self, *keys: str) -> None:
        """Press keys together, by QEMU's names: `press("ctrl", "alt", "f3")`."""
        self.qmp.press(keys)

    def type(self, text: str) -> None:
        """Type a text on an American keyboard."""
        for character in text:
            self.press(*keys_of(character))

    def pull_disk(self, disk: Disk) -> None:
        """Take an extra disk out of the running machine.

        Raises:
            GuestError: the guest does not let go of it.
        """
        self.qmp.execute("device_del", id=disk.device_id)

        def gone(_last: bool) -> bool:
            found = self.qmp.execute("query-block")
            return not any(disk.device_id in str(block.get("qdev", "")) for block in found)

        retry(gone, timeout_s=self.scale.limit(20), what=f"disk {disk.serial} pulled")

    def plug_disk(self, disk: Disk) -> None:
        """Put an extra disk that was pulled back into its slot, with what is on it.

        Raises:
            GuestError: the guest does not find it.
        """
        self.qmp.execute("device_add", **disk_device(self.hardware, disk))
        self.wait_until_succeeds("test", "-b", f"/dev/disk/by-id/virtio-{disk.serial}", timeout_s=20)

    # --- checkpoints ---

    @property
    def _store(self) -> Store:
        return Store(self.place.cache / "vm" / "checkpoints")

    def _key(self) -> str:
        return checkpoint_key(
            image=images.fingerprint(self.hardware.image, cache=self.place.cache),
            qemu_version=qemu_version(),
            identity=identity(self.hardware, self.verdict.accel),
        )

    def save(self, notes: Mapping[str, Any]) -> None:
        """Make a checkpoint of the running guest, with notes, and switch the machine off."""
        nodes = self.files.writable(self.hardware)
        self.qmp.execute("stop")
        self.qmp.save(TAG, list(nodes), timeout_s=300)
        self.qmp.execute("quit")
        self._ended()
        files = [*nodes.values(), *self.files.folder.glob("ssh_key*"), self.files.folder / "known_hosts"]
        self._store.keep(self.name, self._key(), files, notes)

    def saved(self) -> dict[str, Any] | None:
        """The notes of a checkpoint that fits this machine, or None."""
        return self._store.find(self.name, self._key())

    def restore(self) -> float:
        """Bring back the checkpoint; returns seconds until the guest answers over ssh."""
        began = time.monotonic()
        self.cut_power()
        self._store.fetch(self.name, self._key(), self.files.folder)
        self.start(paused=True)
        self.qmp.load(TAG, list(self.files.writable(self.hardware)), timeout_s=300)
        self.qmp.execute("cont")
        self.wait_for_ssh()
        return time.monotonic() - began


def _work_folder(place: Place, name: str) -> Any:
    """A folder for a machine's files, held by a lock; folders whose machine is gone are removed."""
    parent = place.cache / "vm" / "work"
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / ".lock").open("w") as ours:
        fcntl.flock(ours, fcntl.LOCK_EX)
        for old in parent.glob("*/lock"):
            _remove_abandoned(old)
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
        mine = (folder / "lock").open("w")
        fcntl.flock(mine, fcntl.LOCK_EX)
    return mine


def _remove_abandoned(lock_file: Path) -> None:
    with lock_file.open("w") as lock, contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(lock_file.parent, ignore_errors=True)
