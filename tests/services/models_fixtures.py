"""The model downloads with a server and a real host daemon over a simulated machine."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.command_line import PROGRAM
from tests.services.daemon import DATA, SERVICES, SystemBus
from tests.services.model_server import ModelServer, Request, well
from tests.services.models_daemon import ModelsDaemon, content, wait_until, write_manifest

TINY, LARGE = content(1, 300_000), content(2, 40_000_000)
DATASET = "tank/data/models"
MACHINE = """\
name: small
about: a disk with one pool
disks:
  - {{name: ata-DISK_1, serial: "1", model: DISK, size_bytes: 4000787030016}}
pools:
  - name: tank
    data: [{{kind: disk, disks: [ata-DISK_1]}}]
    datasets: [{{name: tank/data, properties: {{mountpoint: {place}}}}}]
"""


@contextlib.contextmanager
def simulated_host(bus: SystemBus, folder: Path) -> Iterator[Path]:
    """The real host daemon on a simulated machine; where its dataset `tank/data` is mounted."""
    place = folder / "data"
    place.mkdir()
    for each in (folder, place):
        each.chmod(0o755)
    description = folder / "machine.yaml"
    description.write_text(MACHINE.format(place=place))
    process = subprocess.Popen(
        [sys.executable, "-s", DATA / "usr/libexec/sigmavault/hostd", "--simulate", description],
        stderr=(folder / "log").open("wb"), cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.fspath(SERVICES), "LANG": "C.UTF-8",
             "PYTHONDONTWRITEBYTECODE": "1", "DBUS_SYSTEM_BUS_ADDRESS": bus.address},
    )  # fmt: skip
    listed = ("busctl", f"--address={bus.address}", "list", "--no-pager", "--acquired")
    try:
        wait_until("hostd", lambda: "org.sigmavault.Host " in bus.run(*listed))
        yield place
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def host(system_bus: SystemBus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the dataset `tank/data` of the host daemon is mounted."""
    with simulated_host(system_bus, tmp_path_factory.mktemp("machine")) as place:
        yield place


@pytest.fixture
def daemon(system_bus: SystemBus, host: Path, tmp_path: Path) -> Iterator[ModelsDaemon]:
    for parent in (tmp_path, *tmp_path.parents):
        if parent.is_relative_to("/tmp/pytest-of-root"):
            parent.chmod(0o755)
    made = ModelsDaemon(system_bus, tmp_path / "models-daemon")
    write_manifest(made.manifest, {"tiny": TINY, "large": LARGE})
    yield made
    if made.process.poll() is None:
        assert made.stop() == 0, made.log.read_text()
    sys.stdout.write(made.log.read_text())


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(b"", always=by_name) as made:
        yield made


def by_name(request: Request) -> None:
    request.server.content = TINY if "tiny" in request.path else LARGE
    well(request)


def begin(daemon: ModelsDaemon, server: ModelServer, **more: Any) -> None:
    daemon.mirrors({"name": "lan", "kind": "files", "url": server.url, "lan": True}, **more)
    daemon.start()
    daemon.call("AllowBootDisk", "b", "true")


def slow(server: ModelServer, seconds: float = 0.02) -> None:
    server.pace = lambda: time.sleep(seconds)


def sigmavault(daemon: ModelsDaemon, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """The command, run to its end, without a terminal."""
    return subprocess.run(
        [*PROGRAM, *argv], env=environment(daemon), capture_output=True, text=True, check=check, timeout=120
    )


def environment(daemon: ModelsDaemon) -> dict[str, str]:
    """What the command is started with."""
    return {
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm", "PYTHONPATH": os.fspath(SERVICES),
        "PYTHONDONTWRITEBYTECODE": "1", "DBUS_SYSTEM_BUS_ADDRESS": daemon.bus.address,
    }  # fmt: skip
