"""Starts hostd on a throw-away root, and callers of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.services.daemon import SERVICES, SOURCE, SystemBus, stop, wait_until

HERE = Path(__file__).parent
OBJECT = "/org/sigmavault/Host"
MANAGER = "org.sigmavault.Host1"


class CallError(Exception):
    """A call was refused: its D-Bus name and what it said."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name.removeprefix("org.sigmavault.Error.")
        self.message = message


@contextlib.contextmanager
def refused(name: str) -> Iterator[CallError]:
    """Expects a refusal with an error of this name, without its prefix; yields what it said."""
    error = CallError("", "")
    try:
        yield error
    except CallError as caught:
        assert caught.name == name, caught
        error.name, error.message = caught.name, caught.message
    else:
        raise AssertionError(f"this was not refused with {name}")


class Caller:
    """Somebody on the bus, with one connection."""

    def __init__(self, bus: SystemBus, user: str | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-s", HERE / "host_client.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, user=user, cwd="/", start_new_session=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.fspath(SERVICES), "LANG": "C.UTF-8",
                 "PYTHONDONTWRITEBYTECODE": "1", "DBUS_SYSTEM_BUS_ADDRESS": bus.address},
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def call(
        self, path: str, interface: str, member: str, signature: str = "", *data: Any, **more: Any
    ) -> Any:
        asked = {"path": path, "interface": interface, "member": member, "signature": signature, "data": data}
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({**asked, **more}) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        if "error" in told:
            raise CallError(told["error"], told["message"])
        answer = told["answer"]
        return answer[0] if len(answer) == 1 else answer

    def _operation(self, name: str, arguments: dict[str, Any]) -> Any:
        noun, verb = name.split(".")
        member = "".join(word.capitalize() for word in verb.split("-"))
        interface = f"{MANAGER}.{noun.capitalize()}"
        return self.call(OBJECT, interface, member, "s", json.dumps(arguments))

    def read(self, operation: str, /, **arguments: Any) -> Any:
        return json.loads(self._operation(operation, arguments))

    def plan(self, operation: str, /, **arguments: Any) -> tuple[dict[str, Any], str]:
        plan, token = self._operation(operation, arguments)
        return json.loads(plan), token

    def apply(self, token: str, confirmation: str = "", *, secrets: dict[str, str] | None = None) -> str:
        """Path of the job."""
        return str(
            self.call(OBJECT, MANAGER, "Apply", "ssba{sh}", token, confirmation, False, secrets=secrets or {})
        )

    def do(self, operation: str, confirmation: str = "", /, **arguments: Any) -> str:
        return self.apply(self.plan(operation, **arguments)[1], confirmation)

    def job(self, path: str) -> dict[str, Any]:
        """All properties of a job."""
        told = self.call(path, "org.freedesktop.DBus.Properties", "GetAll", "s", "org.sigmavault.HostJob1")
        return {key: value for key, (_type, value) in told.items()}

    def end(self, path: str) -> dict[str, Any]:
        """Wait for its end."""
        wait_until(f"the end of {path}", lambda: self.job(path)["State"] != "running")
        return self.job(path)


@dataclass
class HostDaemon:
    """A running hostd."""

    bus: SystemBus
    root: Path
    argv: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.root / "things").mkdir(parents=True, exist_ok=True)
        self.log = self.root / "hostd.log"
        self.start()

    def start(self) -> None:
        place = self.root / "notify"
        place.unlink(missing_ok=True)
        self.notices = []
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(os.fspath(place))
        threading.Thread(target=self._listen, args=(self._notify,), daemon=True).start()
        argv = self.argv or [os.fspath(HERE / "host_run.py"), os.fspath(self.root)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-s", *argv], stderr=log, cwd="/",
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
                     "PYTHONPATH": f"{SERVICES}:{SOURCE}", "DBUS_SYSTEM_BUS_ADDRESS": self.bus.address,
                     "NOTIFY_SOCKET": os.fspath(place), "WATCHDOG_USEC": "2000000"},
            )  # fmt: skip

    def _listen(self, told: socket.socket) -> None:
        while True:
            try:
                data = told.recv(4096)
            except OSError:
                return
            if not data:
                return
            self.notices += data.decode().splitlines()

    def wait_ready(self) -> Self:
        def is_ready() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return "READY=1" in self.notices

        wait_until("READY=1", is_ready)
        return self

    def caller(self, user: str | None = None) -> Caller:
        return Caller(self.bus, user)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._hang_up()

    def stop(self) -> int:
        try:
            return stop(self.process)
        finally:
            self._hang_up()

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._notify.shutdown(socket.SHUT_RD)
        self._notify.close()

    def audit(self) -> list[dict[str, Any]]:
        lines = (self.root / "var/log/sigmavault/audit.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]
