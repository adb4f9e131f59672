"""A client of QEMU's control socket (QMP), blocking, one command at a time."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.vm.machine.errors import MachineError

SCREEN_FORMAT = "png"


class QmpError(MachineError):
    """QEMU refused a command; the message is QEMU's own."""


class Qmp:
    """A connection; use it from one thread."""

    def __init__(self, path: Path, *, timeout_s: float = 30.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self.events: list[Mapping[str, Any]] = []
        self._read()
        self.execute("qmp_capabilities")

    def close(self) -> None:
        """Hang up; QEMU goes on."""
        self._lines.close()
        self._socket.close()

    def execute(self, command: str, **arguments: object) -> Any:
        """Run a command and return its answer.

        Raises:
            QmpError: QEMU refused.
            MachineError: QEMU is gone or does not answer.
        """
        names = {name.replace("_", "-"): value for name, value in arguments.items()}
        request = json.dumps({"execute": command, "arguments": names})
        try:
            self._socket.sendall(request.encode() + b"\n")
            while True:
                answer = self._read()
                if "return" in answer:
                    return answer["return"]
                if "error" in answer:
                    raise QmpError(f"{command}: {answer['error']['desc']}")
                self.events.append(answer)
        except OSError as error:
            raise MachineError(f"QEMU does not answer to {command}: {error}") from error

    def _read(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise MachineError("QEMU closed its control socket")
        message: dict[str, Any] = json.loads(line)
        return message

    def status(self) -> str:
        """running, paused, shutdown, internal-error, …"""
        return str(self.execute("query-status")["status"])

    def wait_for_event(self, name: str, *, timeout_s: float) -> bool:
        """Whether an event of that name comes, or came since the last call."""
        end = time.monotonic() + timeout_s
        while True:
            found = [event for event in self.events if event.get("event") == name]
            if found:
                self.events.remove(found[0])
                return True
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
            self.status()

    def screendump(self, file: Path) -> None:
        """Save what the screen shows as a PNG."""
        self.execute("screendump", filename=str(file), format=SCREEN_FORMAT)

    def press(self, keys: Sequence[str]) -> None:
        """Press keys together, by QEMU's key names, and let them go."""
        self.execute("send-key", keys=[{"type": "qcode", "data": key} for key in keys])

    def save(self, tag: str, nodes: Sequence[str], *, timeout_s: float) -> None:
        """Save memory (in node `vmstate`) and disks under `tag`."""
        self._job("snapshot-save", tag, nodes, timeout_s=timeout_s)

    def load(self, tag: str, nodes: Sequence[str], *, timeout_s: float) -> None:
        """Bring memory and disks back to `tag`."""
        self._job("snapshot-load", tag, nodes, timeout_s=timeout_s)

    def _job(self, command: str, tag: str, nodes: Sequence[str], *, timeout_s: float) -> None:
        self.execute(command, job_id=command, tag=tag, vmstate="vmstate", devices=list(nodes))
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            job = next(job for job in self.execute("query-jobs") if job["id"] == command)
            if job["status"] == "concluded":
                self.execute("job-dismiss", id=command)
                if "error" in job:
                    raise QmpError(f"{command}: {job['error']}")
                return
            time.sleep(0.1)
        raise QmpError(f"{command} did not end within {timeout_s:.0f} s")
