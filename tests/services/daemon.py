"""Starts and stops the processes that the tests talk to."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

SOURCE = Path(__file__).resolve().parents[2]
SERVICES = SOURCE / "services"
DATA = SERVICES / "data"
USER = "sigmavault-ryzan"
MODELS_USER = "sigmavault-models"


def wait_until(what: str, condition: Callable[[], object], timeout_s: float = 30) -> None:
    """Poll until the condition holds; fail with `what` when it does not in time."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain for: {what}")
        time.sleep(0.02)


def ensure_user() -> None:
    """The services' own users, made by the file that makes them on the target: the bus reads who they are."""
    try:
        for name in (USER, MODELS_USER):
            pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["systemd-sysusers", DATA / "usr/lib/sysusers.d/sigmavault.conf"], check=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


class SystemBus:
    """A private system bus with the real polkitd; our policy files are where the daemons look."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix:path={folder}/bus"
        folder.chmod(0o755)
        actions = Path("/run/polkit-1/actions")
        actions.mkdir(parents=True, exist_ok=True)
        for file in (DATA / "usr/share/polkit-1/actions").iterdir():
            (actions / file.name).write_bytes(file.read_bytes())
        self._folder = folder
        config = folder / "system.conf"
        config.write_text(self._config(Path("/usr/share/dbus-1/system.conf").read_text()))
        self.start()

    def start(self) -> None:
        """Start both; also after `stop`: a new bus at the old place."""
        place, config = self._folder / "bus", self._folder / "system.conf"
        place.unlink(missing_ok=True)
        with (self._folder / "log").open("ab") as log:  # a pipe that nobody empties would stop it one day
            self.daemon = subprocess.Popen(
                ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"], stderr=log
            )
        wait_until("the bus", place.exists)
        self.polkitd = subprocess.Popen(
            ["setpriv", "--reuid=polkitd", "--regid=polkitd", "--init-groups",
             "/usr/lib/polkit-1/polkitd", "--no-debug"],
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until("polkitd", lambda: self._has("org.freedesktop.PolicyKit1"))

    def _config(self, shipped: str) -> str:
        for element in ("user", "pidfile", "listen", "servicehelper"):
            shipped = re.sub(f"<{element}>.*?</{element}>", "", shipped)
        for part in ("<fork/>", "<standard_system_servicedirs/>"):  # nothing is started but by us
            shipped = shipped.replace(part, "")
        ours = (
            f"<listen>{self.address}</listen>"
            f"<includedir>{DATA}/usr/share/dbus-1/system.d</includedir>"
            "<includedir>/usr/share/dbus-1/system.d</includedir>"
        )
        return shipped.replace("</busconfig>", f"{ours}</busconfig>")

    def _has(self, name: str) -> bool:
        return name in self.run("busctl", f"--address={self.address}", "list", "--no-pager")

    def run(
        self, *argv: str, user: str | None = None, check: bool = True, timeout_s: float = 60
    ) -> str:  # fmt: skip
        """The output of a program that talks to this bus."""
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=timeout_s, user=user,
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address},
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def stop(self) -> None:
        for process in (self.polkitd, self.daemon):
            process.kill()
            process.wait()


@dataclass
class Ryzan:
    """A running model service."""

    bus: SystemBus
    folder: Path
    env: Mapping[str, str]
    port: int = field(default_factory=free_port)
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = self.folder / "ryzan.sock"
        self.folder.chmod(0o755)
        self.log = self.folder / "log"
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(os.fspath(self.folder / "notify"))
        (self.folder / "notify").chmod(0o777)
        launch = os.fspath(Path(__file__).parent / "launch.py")
        program = os.fspath(DATA / "usr/libexec/sigmavault/ryzan")
        argv = [sys.executable, launch, USER, str(self.port), os.fspath(self.socket),
                sys.executable, "-sP", program]  # fmt: skip
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.fspath(SERVICES),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DBUS_SYSTEM_BUS_ADDRESS": self.bus.address,
            "NOTIFY_SOCKET": os.fspath(self.folder / "notify"),
            "WATCHDOG_USEC": "2000000",
            **self.env,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, env=environment, stderr=log)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Take what the service tells systemd: the queue of the socket is short."""
        while True:
            try:
                told = self._notify.recv(4096)
            except OSError:
                return
            self.notices += told.decode().splitlines()

    def wait_ready(self) -> None:
        """Wait for READY=1 as systemd does."""

        def is_ready() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return "READY=1" in self.notices

        wait_until("READY=1", is_ready)

    def wait_state(self, state: str) -> None:
        wait_until(f"state {state}", lambda: self.client().get("/health").json()["status"] == state)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **options: object) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, **{"timeout": 60, **options})  # type: ignore[arg-type]

    def unix_client(self) -> httpx.Client:
        transport = httpx.HTTPTransport(uds=os.fspath(self.socket))
        return httpx.Client(base_url="http://localhost", transport=transport, timeout=60)

    def worker(self) -> int:
        """The process that holds the model."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        found = [each for each in children if b"ryzan.worker" in Path(f"/proc/{each}/cmdline").read_bytes()]
        assert len(found) == 1, children
        return int(found[0])

    def kill_worker(self) -> None:
        os.kill(self.worker(), signal.SIGKILL)

    def status(self) -> str:
        return self.bus.run(
            "busctl", f"--address={self.bus.address}", "call", "org.sigmavault.Ryzan",
            "/org/sigmavault/Ryzan", "org.sigmavault.Ryzan1", "GetStatus",
        )  # fmt: skip

    def stop(self) -> int:
        try:
            return stop(self.process)
        finally:
            with contextlib.suppress(OSError):  # stopped before
                self._notify.shutdown(socket.SHUT_RD)
            self._notify.close()
