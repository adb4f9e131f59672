"""hostd with a machine that is not there, on a bus of its own, and the `sigmavault` command on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import yaml

from scripts.demo import Bus
from tests.services.command_line import Terminal, script_at_terminal
from tests.services.daemon import DATA, SERVICES, SOURCE, stop, wait_until

SIGMAVAULT = DATA / "usr/bin/sigmavault"
MACHINES = SERVICES / "sigmavault/simulated/machines"


class SimulatedHost:
    """A machine that lives as long as this does, and a folder for what setting it up keeps."""

    def __init__(self, bus: Bus, folder: Path) -> None:
        self.folder = folder
        self.env = {
            **bus.env, "SIGMAVAULT_SETUP": os.fspath(folder), "LANG": "C.UTF-8", "TERM": "xterm",
            "SIGMAVAULT_MANIFEST": os.fspath(SOURCE / "models-manifest.yaml"),
            "SIGMAVAULT_MODELS": os.fspath(folder / "models"), "LINES": "24", "COLUMNS": "80",
        }  # fmt: skip

    def command(self, *argv: str) -> list[str]:
        return [sys.executable, "-sP", os.fspath(SIGMAVAULT), *argv]

    def run(self, *argv: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*argv), capture_output=True, text=True, check=False, timeout=300,
            stdin=subprocess.DEVNULL, env={**self.env, **(env or {})}, cwd="/",
        )  # fmt: skip

    def start(self, *argv: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL, env=self.env, cwd="/",
        )  # fmt: skip

    def at_terminal(self, *argv: str) -> AbstractContextManager[Terminal]:
        return script_at_terminal([os.fspath(SIGMAVAULT), *argv], self.env)

    def ask(self, *argv: str) -> Any:
        done = self.run(*argv, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def answers(self, data: Mapping[str, Any]) -> Path:
        file = self.folder / "answers.yaml"
        file.touch(0o600)
        file.write_text(yaml.safe_dump(dict(data)))
        return file

    def ended(self) -> list[str]:
        """The operations that were done, in order, out of the audit."""
        rows = self.ask("audit", "list", "--limit", "1000")["records"]
        done = (row["operation"] for row in rows if row["event"] == "end" and row["result"] == "ok")
        return [*done][::-1]


@contextmanager
def simulated_host(folder: Path, machine: str = "new") -> Iterator[SimulatedHost]:
    """A machine of those that are described."""
    place = folder / "bus"
    place.mkdir()
    with Bus(place) as bus, (folder / "hostd.log").open("wb") as log:
        description = MACHINES / f"{machine}.yaml"
        hostd = subprocess.Popen(
            [sys.executable, "-sP", DATA / "usr/libexec/sigmavault/hostd", "--simulate", description],
            env=bus.env, stderr=log,
        )  # fmt: skip
        try:
            wait_until("the host daemon", bus.has_host)
            yield SimulatedHost(bus, folder)
        finally:
            said = (folder / "hostd.log").read_text().splitlines()
            sys.stdout.writelines(f"{line}\n" for line in said if "polkit does not answer" not in line)
            stop(hostd)
