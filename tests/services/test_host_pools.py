"""Changes of pools on the bus: zed's script, the kernel's figures, what `zpool` says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.daemon import DATA, SERVICES, wait_until
from tests.services.host import HostDaemon

ZEDLET = DATA / "usr/lib/zfs-linux/zed.d/all-sigmavault.sh"

LISTENER = """
import asyncio, json
from sigmavault.system.bus import open_system
async def main():
    bus = open_system()
    def told(message):
        print(json.dumps(message.parse_to_tuple()), flush=True)
    name = "org.sigmavault.Host1"
    slot = await bus.match_signal_async(None, "/org/sigmavault/Host", name, "PoolChanged", told)
    print(json.dumps("ready"), flush=True)
    await asyncio.sleep(3600)
asyncio.run(main())
"""


def status(pool: str, disk: str) -> dict[str, Any]:
    """`zpool status -j --json-int -p -P` of OpenZFS 2.3, shortened to what is read."""
    leaf = {
        "name": "/dev/vdb1", "vdev_type": "disk", "guid": 22, "path": "/dev/vdb1", "class": "normal",
        "state": disk, "alloc_space": 0, "total_space": 10, "read_errors": 0, "write_errors": 0,
        "checksum_errors": 0,
    }  # fmt: skip
    top = {"name": "tank", "vdev_type": "root", "guid": 11, "class": "normal", "state": pool}
    counted = {"alloc_space": 0, "total_space": 10, "read_errors": 0, "write_errors": 0, "checksum_errors": 0}
    tank = {
        "name": "tank", "state": pool, "pool_guid": 11, "txg": 4, "spa_version": 5000, "zpl_version": 5,
        "error_count": 0, "vdevs": {"tank": {**top, **counted, "vdevs": {"/dev/vdb1": leaf}}},
    }  # fmt: skip
    return {
        "output_version": {"command": "zpool status", "vers_major": 0, "vers_minor": 1},
        "pools": {"tank": tank},
    }


class Pools:
    """A ZFS that says what it is told to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "sys/module/zfs").mkdir(parents=True)
        (root / "proc/spl/kstat/zfs/tank").mkdir(parents=True)
        (root / "bin").mkdir()
        program = root / "bin/zpool"
        program.write_text(f"#!/bin/sh\nset -eu\nexec cat {root}/status.json\n")
        program.chmod(0o755)
        self.become("ONLINE", "ONLINE")

    def become(self, pool: str, disk: str) -> None:
        (self.root / "status.json").write_text(json.dumps(status(pool, disk)))
        (self.root / "proc/spl/kstat/zfs/tank/state").write_text(f"{pool}\n")

    def vanish(self) -> None:
        empty = {**status("ONLINE", "ONLINE"), "pools": {}}
        (self.root / "status.json").write_text(json.dumps(empty))
        (self.root / "proc/spl/kstat/zfs/tank/state").unlink()


@pytest.fixture
def pools(tmp_path: Path) -> Pools:
    return Pools(tmp_path)


@pytest.fixture
def heard(pools: Pools, host: HostDaemon) -> Iterator[list[Any]]:
    """What `PoolChanged` told."""
    lines: list[Any] = []
    with subprocess.Popen(
        [sys.executable, "-c", LISTENER], stdout=subprocess.PIPE, text=True, user="nobody",
        env={"PYTHONPATH": os.fspath(SERVICES), "DBUS_SYSTEM_BUS_ADDRESS": host.bus.address},
    ) as listener:  # fmt: skip
        assert listener.stdout
        assert json.loads(listener.stdout.readline()) == "ready"
        os.set_blocking(listener.stdout.fileno(), False)
        time.sleep(0.5)  # the first look: what there is at the start is no change

        class Heard(list[Any]):
            def refresh(self) -> list[Any]:
                assert listener.stdout
                lines.extend(json.loads(line) for line in listener.stdout)
                return lines

        yield Heard()
        listener.kill()


def zed(host: HostDaemon, **event: str) -> None:
    """What zed(8) does with an event."""
    env = {"PATH": "/usr/bin:/bin", "DBUS_SYSTEM_BUS_ADDRESS": host.bus.address, **event}
    subprocess.run([ZEDLET], env=env, check=True, timeout=10)


def test_an_event_of_zed_makes_a_real_change_known(pools: Pools, host: HostDaemon, heard: Any) -> None:
    event = {
        "ZEVENT_SUBCLASS": "statechange",
        "ZEVENT_POOL": "$(touch /tmp/owned) -x",
        "ZEVENT_POOL_GUID": "0xb",
    }
    zed(host, **event)
    wait_until("the report", lambda: any(row["event"] == "event" for row in host.audit()))
    assert heard.refresh() == []  # nothing has changed, whatever was reported
    pools.become("DEGRADED", "REMOVED")
    zed(host, **event)
    wait_until("the signal", heard.refresh, timeout_s=8)
    cause = "pool: ONLINE → DEGRADED; /dev/vdb1: ONLINE → REMOVED"
    assert heard.refresh() == [["tank", "11", "DEGRADED", cause]]
    row = next(row for row in host.audit() if row["event"] == "event")
    assert row["arguments"]["pool"] == "$(touch /tmp/owned) -x"
    assert not Path("/tmp/owned").exists()


def test_a_change_without_an_event_is_seen_within_a_quarter_minute(
    pools: Pools, host: HostDaemon, heard: Any
) -> None:
    pools.become("SUSPENDED", "ONLINE")
    wait_until("the signal", heard.refresh, timeout_s=15)
    assert heard.refresh()[0][:3] == ["tank", "11", "SUSPENDED"]
    pools.vanish()
    wait_until("the second", lambda: len(heard.refresh()) == 2, timeout_s=15)
    assert heard.refresh()[1] == ["tank", "11", "GONE", "the pool is not imported any more"]


def test_events_that_change_no_state_do_not_reach_the_daemon(host: HostDaemon) -> None:
    for subclass in ("history_event", "checksum", "io", "delay", ""):
        zed(host, ZEVENT_SUBCLASS=subclass, ZEVENT_POOL="tank")
    zed(host, ZEVENT_SUBCLASS="statechange", ZEVENT_POOL="tank")
    wait_until("the last one", lambda: any(row["event"] == "event" for row in host.audit()))
    assert len([row for row in host.audit() if row["event"] == "event"]) == 1
