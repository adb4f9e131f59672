"""The governor as a process, on a root whose kernel files say what a test wants."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.services.daemon import DATA, SERVICES, SystemBus, stop, wait_until

HERE = Path(__file__).parent
NAME = ("org.sigmavault.Governor", "/org/sigmavault/Governor", "org.sigmavault.Governor1")
ARC_MAX = "sys/module/zfs/parameters/zfs_arc_max"
MIB = 1024**2
_FILES = "sys/fs/cgroup/sigmavault.slice/sigmavault-files.slice"
_MODEL = "sys/fs/cgroup/sigmavault_ai.slice"
_PRESSURE = "some avg10=0.00 avg60=0.00 avg300=0.00 total={}\nfull avg10=0.00 avg60=0.00\n"


class Kernel:
    """Files of a machine with 4 GiB; `serve` makes them tell of a load until `rest`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._traffic, self._smb_us, self._ticks, self._idle = 0, 0, 0, 0
        self._loaded, self._starved = threading.Event(), threading.Event()
        self._starved_us = 0
        self._over = threading.Event()
        self.write("usr/lib/sigmavault/budget.toml", (DATA / "usr/lib/sigmavault/budget.toml").read_text())
        self.write("etc/sigmavault/governor.toml", "[serving]\nquiet_s = 6\n")
        self.write("proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 1048576 kB\n")
        self.write(ARC_MAX, "0")
        self.arc(size=500 * MIB)
        for name in ("cpu", "io", "memory"):
            for place in (f"proc/pressure/{name}", f"{_FILES}/{name}.pressure", f"{_MODEL}/{name}.pressure"):
                self.write(place, _PRESSURE.format(0))
        self.write(f"{_MODEL}/cpu.stat", "usage_usec 1\n")
        self._tick(0.0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def write(self, place: str, text: str) -> None:
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text)
        fresh.replace(path)  # a look sees the old file or the new one

    def arc(self, size: int) -> None:
        rows = f"c_min 4 {64 * MIB}\nc_max 4 {1024 * MIB}\nsize 4 {size}\n"
        self.write("proc/spl/kstat/zfs/arcstats", f"1 1 0 1 2 3 4\nname type data\n{rows}")

    def arc_max(self) -> int:
        return int((self.root / ARC_MAX).read_text() or 0)

    def serve(self) -> None:
        self._loaded.set()

    def rest(self) -> None:
        self._loaded.clear()

    def starve(self) -> None:
        """Leave the model without CPU time from now on, which it wants."""
        self._starved.set()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.1):
            self._tick(0.1)

    def _tick(self, seconds: float) -> None:
        is_loaded = self._loaded.is_set()
        if is_loaded:
            self._traffic += round(50 * MIB * seconds)
            self._smb_us += round(400_000 * seconds)
        if self._starved.is_set():
            self._starved_us += round(1e6 * seconds)
        self.write(f"{_MODEL}/cpu.pressure", _PRESSURE.format(self._starved_us))
        self._ticks += round(200 * seconds)
        self._idle += round((60 if is_loaded else 180) * seconds)
        self.write("traffic", str(self._traffic))
        self.write(f"{_FILES}/smbd.service/cpu.stat", f"usage_usec {self._smb_us}\n")
        self.write("proc/stat", f"cpu {self._ticks - self._idle} 0 0 {self._idle} 0 0 0 0 0 0\n")


class Governor:
    """The daemon, and what it told systemd."""

    def __init__(self, bus: SystemBus, root: Path) -> None:
        self.bus, self.root = bus, root
        self.notices: list[str] = []
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        place = os.fspath(root / "governor-notify")
        self._notify.bind(place)
        threading.Thread(target=self._listen, daemon=True).start()
        self.log = root / "governor.log"
        program = os.fspath(DATA / "usr/libexec/sigmavault/governor")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-s", program, "--root", os.fspath(root)], stderr=log, cwd="/",
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
                     "PYTHONPATH": os.fspath(SERVICES), "DBUS_SYSTEM_BUS_ADDRESS": bus.address,
                     "NOTIFY_SOCKET": place, "WATCHDOG_USEC": "2000000"},
            )  # fmt: skip

    def _listen(self) -> None:
        while True:
            try:
                data = self._notify.recv(4096)
            except OSError:
                return
            if not data:
                return
            self.notices += data.decode().splitlines()

    def wait_ready(self) -> None:
        def is_ready() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return "READY=1" in self.notices

        wait_until("READY=1", is_ready, timeout_s=60)

    def call(self, *argv: str, user: str | None = None, check: bool = True) -> str:
        address = f"--address={self.bus.address}"
        return self.bus.run("busctl", address, "--json=short", "call", *NAME, *argv, user=user, check=check)

    def status(self, user: str | None = None) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(json.loads(self.call("Status", user=user))["data"][0])
        return told

    def limits(self) -> list[int]:
        """The quotas that systemd was told, in percent of one core."""
        return [quota // 10_000 for quota, _ in self._told()]

    def weights(self) -> list[int]:
        """The weights that it was told with them; 0 is `idle`."""
        return [weight for _, weight in self._told()]

    def _told(self) -> list[tuple[int, int]]:
        place = self.root / "limits.jsonl"
        rows = [json.loads(line) for line in place.read_text().splitlines()] if place.exists() else []
        for name, runtime, properties in rows:
            assert (name, runtime) == ("sigmavault_ai.slice", True)
            assert [(key, value[0]) for key, value in properties] == [
                ("CPUQuotaPerSecUSec", "t"), ("CPUWeight", "t"),
            ]  # fmt: skip
        return [(quota[1][1], weight[1][1]) for _, _, (quota, weight) in rows]

    def wait_limits(self, wanted: list[int], timeout_s: float) -> float:
        """Wait until systemd was told these quotas; seconds that it took."""
        begin = time.monotonic()
        wait_until(f"the quotas {wanted}", lambda: self.limits() == wanted, timeout_s)
        return time.monotonic() - begin

    def stop(self) -> int:
        try:
            return stop(self.process)
        finally:
            with contextlib.suppress(OSError):
                self._notify.shutdown(socket.SHUT_RD)
            self._notify.close()


@contextlib.contextmanager
def limits(bus: SystemBus, root: Path) -> Iterator[None]:
    """Somebody who takes systemd's part."""
    process = subprocess.Popen(
        [sys.executable, "-s", HERE / "limits_run.py", root],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.fspath(SERVICES),
             "DBUS_SYSTEM_BUS_ADDRESS": bus.address},
    )  # fmt: skip
    try:
        wait_until("systemd's part", lambda: "org.freedesktop.systemd1 " in bus.run(
            "busctl", f"--address={bus.address}", "list", "--acquired", "--no-pager"))  # fmt: skip
        yield
    finally:
        process.kill()
        process.wait()
