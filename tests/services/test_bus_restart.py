"""A system bus whose daemon dies: whoever is on it ends, so that systemd starts it on the next one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.services.daemon import SERVICES, Ryzan, SystemBus, ensure_user
from tests.services.governing import Governor, Kernel
from tests.services.host import HostDaemon
from tests.services.models_daemon import ModelsDaemon, write_manifest

SERVICE_UNAVAILABLE = 3
"""`ServiceUnavailableError.exit_code`: a failure, so `Restart=on-failure` holds."""
SOON_S = 20.0
"""On a machine that does much else."""


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[SystemBus]:
    """A bus of its own: it dies."""
    ensure_user()
    place = tmp_path / "a-bus"
    place.mkdir()
    for each in (place, *place.parents):
        if each.is_relative_to("/tmp/pytest-of-root"):
            each.chmod(0o755)
    bus = SystemBus(place)
    yield bus
    bus.stop()


KEEPS_NOTHING = """
import gc
from sdbus import DbusInterfaceCommonAsync, DbusUnprivilegedFlag, dbus_method_async
from sigmavault.system.bus import open_system, put
class Lamp(DbusInterfaceCommonAsync, interface_name="test.Lamp"):
    @dbus_method_async("s", "s", DbusUnprivilegedFlag, method_name="Shine")
    async def shine(self, how):
        return how
connection = open_system()
kept = [PUT for number in range(50)]
gc.collect()
room = [bytes(1000) for _ in range(10000)]
"""


def ended(process: subprocess.Popen[bytes], log: Path) -> int:
    try:
        return process.wait(SOON_S)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"it goes on without a bus: {log.read_text()}") from None


def test_hostd_lets_its_jobs_end_and_is_there_on_the_next_bus(bus: SystemBus, tmp_path: Path) -> None:
    host = HostDaemon(bus, tmp_path / "root").wait_ready()
    with host.caller() as caller:
        job = caller.do("thing.make", name="lamp", parts=20, pause_ms=100).rpartition("/")[2]
    bus.stop()
    assert ended(host.process, host.log) == SERVICE_UNAVAILABLE
    host.stop()
    rows = [(row["event"], row["result"]) for row in host.audit()]
    assert rows[-3:] == [("begin", "ok"), ("end", "ok"), ("stop", "ok")]
    said = host.log.read_text()
    assert "the system bus has hung up" in said
    assert "Traceback" not in said, said
    bus.start()
    host.start()
    with host.wait_ready().caller() as caller:
        assert caller.read("job.show", job=job)["state"] == "done"
        assert caller.read("thing.list")["things"] == [{"name": "lamp", "parts": 20}]
    assert host.stop() == 0


def test_hostd_that_rests_ends_at_once(bus: SystemBus, tmp_path: Path) -> None:
    host = HostDaemon(bus, tmp_path / "root").wait_ready()
    bus.daemon.kill()
    begin = time.monotonic()
    assert ended(host.process, host.log) == SERVICE_UNAVAILABLE
    assert time.monotonic() - begin < 5.0
    host.stop()


def test_the_governor_ends(bus: SystemBus, tmp_path: Path) -> None:
    """Its unit brings back what the model may have without it."""
    (tmp_path / "kernel").mkdir()
    kernel = Kernel(tmp_path / "kernel")
    governor = Governor(bus, kernel.root)
    try:
        governor.wait_ready()
        bus.daemon.kill()
        assert ended(governor.process, governor.log) == SERVICE_UNAVAILABLE
        assert "Traceback" not in governor.log.read_text()
    finally:
        governor.stop()
        kernel.end()


def test_the_model_downloads_end(bus: SystemBus, tmp_path: Path) -> None:
    models = ModelsDaemon(bus, tmp_path / "models-daemon")
    write_manifest(models.manifest, {"tiny": b"GGUF" + bytes(1000)})
    (models.config / "models.d/10-test.yaml").write_text(yaml.safe_dump({"mirrors": [], "hub": False}))
    models.start()
    try:
        bus.daemon.kill()
        assert ended(models.process, models.log) == SERVICE_UNAVAILABLE
        assert "Traceback" not in models.log.read_text()
    finally:
        models.stop()


def test_the_model_service_ends(bus: SystemBus, ryzan_env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "ryzan").mkdir()
    service = Ryzan(bus=bus, folder=tmp_path / "ryzan", env=ryzan_env)
    try:
        service.wait_ready()
        service.wait_state("ready")
        worker = Path(f"/proc/{service.worker()}")
        bus.daemon.kill()
        assert ended(service.process, service.log) == SERVICE_UNAVAILABLE
        assert "Traceback" not in service.log.read_text()
        assert not worker.exists(), "its worker has ended with it"
    finally:
        service.stop()


def test_no_order_in_which_objects_are_freed_crashes(bus: SystemBus) -> None:
    """The description of an interface lives in its object, and is read when its slot goes."""
    script = KEEPS_NOTHING.replace("PUT", 'put(Lamp(), f"/lamp/{number}", connection)')
    env = {"PYTHONPATH": os.fspath(SERVICES), "DBUS_SYSTEM_BUS_ADDRESS": bus.address}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, check=False, timeout=60, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
