"""The governor as a process: kernel files in, calls to systemd and the limit of the ZFS cache out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from sigmavault.contract.governor1 import INTERFACE, NowKey, StatusKey

from tests.services.daemon import DATA, SERVICES, Ryzan, SystemBus, wait_until
from tests.services.governing import MIB, NAME, Governor, Kernel, limits
from tests.services.host import HostDaemon
from tests.services.test_host_pools import Pools, status, zed

CPUS = os.cpu_count() or 1
FULL, HELD = 80 * CPUS, 30 * CPUS
CUT_S, BACK_S = 3.0, 30.0
SLACK_S = 10.0
"""The tests share the machine with others."""
BORROWER = """
import asyncio, sys
from sigmavault.system.bus import open_system
async def main():
    bus = open_system()
    for line in sys.stdin:
        purpose, need = line.split()
        message = bus.new_method_call_message(*sys.argv[1:], "BorrowMemory")
        message.append_data("st", purpose, int(need))
        print((await bus.call_async(message)).parse_to_tuple()[0], flush=True)
asyncio.run(main())
"""


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    (tmp_path / "kernel").mkdir()
    made = Kernel(tmp_path / "kernel")
    yield made
    made.end()


@pytest.fixture
def governor(system_bus: SystemBus, kernel: Kernel) -> Iterator[Governor]:
    with limits(system_bus, kernel.root):
        daemon = Governor(system_bus, kernel.root)
        try:
            daemon.wait_ready()
            yield daemon
            assert daemon.process.poll() is None, daemon.log.read_text()
        finally:
            sys.stdout.write(daemon.log.read_text())
            daemon.stop()


def test_a_load_cuts_the_quota_and_quiet_brings_it_back(governor: Governor, kernel: Kernel) -> None:
    governor.wait_limits([FULL], 10)
    kernel.serve()
    cut_s = governor.wait_limits([FULL, HELD], CUT_S + SLACK_S)
    status = governor.status(user="nobody")
    assert (status[StatusKey.STATE], status[StatusKey.CPU_PERCENT]) == ("serving", 30)
    assert status[StatusKey.IS_APPLIED] is True
    assert 20 * MIB < status[StatusKey.NOW][NowKey.SMB_BYTES_PER_S] < 80 * MIB
    kernel.rest()
    back_s = governor.wait_limits([FULL, HELD, FULL], BACK_S + SLACK_S)
    assert governor.weights() == [20, 0, 20], "only what nobody else wants, while files are served"
    assert (cut_s, back_s) <= (CUT_S + SLACK_S, BACK_S + SLACK_S)
    said = [line for line in governor.log.read_text().splitlines() if "the model gets" in line]
    assert len(said) == 3, "each change is told once"
    assert "30 % of the machine: files are served: SMB" in said[1]
    changes = governor.status()[StatusKey.HISTORY]["changes"]
    assert [each["cpu_percent"] for each in changes] == [80, 30, 80]


def test_a_model_that_gets_no_cpu_time_has_a_turn_now_and_then(governor: Governor, kernel: Kernel) -> None:
    governor.wait_limits([FULL], 10)
    kernel.serve()
    kernel.starve()
    governor.wait_limits([FULL, *[HELD] * 5], 20 + SLACK_S)
    assert governor.weights() == [20, 0, 20, 0, 20, 0], "only its weight changes, and only for a moment"
    assert len(governor.status()[StatusKey.HISTORY]["changes"]) == 2


def test_the_command_shows_it_to_anybody(governor: Governor) -> None:
    governor.wait_limits([FULL], 10)
    argv = [sys.executable, "-sP", os.fspath(DATA / "usr/bin/sigmavault"), "governor", "status"]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.fspath(SERVICES), "LANG": "C.UTF-8",
           "DBUS_SYSTEM_BUS_ADDRESS": governor.bus.address}  # fmt: skip
    done = subprocess.run(argv, env=env, user="nobody", cwd="/", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The model may use 80 % of the CPU time of this machine")
    assert "\nmodel         ▇" in done.stdout
    done = subprocess.run(
        [*argv, "--json"], env=env, user="nobody", cwd="/", capture_output=True, text=True, timeout=60
    )
    assert set(json.loads(done.stdout)) == {key.value for key in StatusKey}


def test_what_systemd_refuses_is_told_once_and_tried_until_it_is_taken(
    governor: Governor, kernel: Kernel
) -> None:
    governor.wait_limits([FULL], 10)
    (kernel.root / "refuses").touch()
    kernel.serve()
    wait_until("a refusal", lambda: "not today" in governor.log.read_text(), CUT_S + SLACK_S)
    assert governor.status()[StatusKey.IS_APPLIED] is False
    time.sleep(2.5)
    assert governor.log.read_text().count("not today") == 1
    (kernel.root / "refuses").unlink()
    governor.wait_limits([FULL, HELD], SLACK_S)
    assert governor.status()[StatusKey.IS_APPLIED] is True


def test_the_cache_lends_and_gets_back_when_the_borrower_is_gone(governor: Governor, kernel: Kernel) -> None:
    governor.wait_limits([FULL], 10)
    budget = 1024 * MIB
    assert kernel.arc_max() == budget
    with subprocess.Popen(
        [sys.executable, "-s", "-c", BORROWER, *NAME],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.fspath(SERVICES),
             "DBUS_SYSTEM_BUS_ADDRESS": governor.bus.address},
    ) as borrower:  # fmt: skip

        def ask(purpose: str, need: int) -> int:
            assert borrower.stdin
            assert borrower.stdout
            borrower.stdin.write(f"{purpose} {need}\n")
            borrower.stdin.flush()
            return int(borrower.stdout.readline())

        assert ask("small", 100 * MIB) == 0, "it fits as it is"
        lacking = 1000 * MIB - 1024 * MIB * 90 // 100
        assert ask("large", 1000 * MIB) == lacking
        assert kernel.arc_max() == budget - lacking
        assert governor.status()[StatusKey.ARC]["lent"] == lacking
        assert ask("large", 0) == 0
        assert kernel.arc_max() == budget
        assert ask("large", 1000 * MIB) == lacking
        borrower.kill()
    wait_until("the loan to come back", lambda: kernel.arc_max() == budget)


def test_nobody_else_borrows(governor: Governor, kernel: Kernel) -> None:
    said = governor.call("BorrowMemory", "st", "x", str(2**40), user="nobody", check=False)
    assert "only the model service" in said
    assert kernel.arc_max() == 1024 * MIB


def test_a_daemon_that_was_killed_leaves_no_loan(
    system_bus: SystemBus, governor: Governor, kernel: Kernel
) -> None:
    assert int(governor.call("BorrowMemory", "st", "x", str(1100 * MIB)).split("[")[1].split("]")[0]) > 0
    kernel.write("sys/module/zfs/parameters/zfs_arc_max", "300000000")
    governor.process.kill()
    governor.process.wait()
    (kernel.root / "governor-notify").unlink()
    second = Governor(system_bus, kernel.root)
    try:
        second.wait_ready()
        wait_until("the budget", lambda: kernel.arc_max() == 1024 * MIB)
    finally:
        second.stop()
        governor.process = subprocess.Popen(["sleep", "60"])  # the fixture stops it


def test_a_machine_without_zfs_is_nothing_to_complain_about(host: HostDaemon, kernel: Kernel) -> None:
    with limits(host.bus, kernel.root):
        daemon = Governor(host.bus, kernel.root)
        try:
            daemon.wait_ready()
            daemon.wait_limits([FULL], 10)
            wait_until("the question", lambda: any(row["operation"] == "pool.list" for row in host.audit()))
            time.sleep(0.5)  # what it makes of the answer comes after the question
            assert daemon.status()[StatusKey.NOW][NowKey.SCAN] == "none"
            assert "not known" not in daemon.log.read_text()
        finally:
            daemon.stop()


def test_a_scrub_holds_the_model_back_until_it_is_over(host: HostDaemon, kernel: Kernel) -> None:
    """What the host daemon tells of a pool, with its own look at what `zpool` says."""
    pools = Pools(host.root)
    scan = {"function": "SCRUB", "start_time": 1, "to_examine": 100, "issued": 5}
    event = {"ZEVENT_SUBCLASS": "scrub_start", "ZEVENT_POOL": "tank"}

    def become(scan_state: str) -> None:
        told = status("ONLINE", "ONLINE")
        told["pools"]["tank"]["scan_stats"] = {**scan, "state": scan_state}
        (host.root / "status.json").write_text(json.dumps(told))
        zed(host, **event)

    pools.become("ONLINE", "ONLINE")
    with limits(host.bus, kernel.root):
        daemon = Governor(host.bus, kernel.root)
        try:
            daemon.wait_ready()
            daemon.wait_limits([FULL], 10)
            become("SCANNING")
            daemon.wait_limits([FULL, HELD], 10 + SLACK_S)
            assert (daemon.status()[StatusKey.STATE], daemon.status()[StatusKey.CAUSE]) == (
                "scrub", "a scrub runs",
            )  # fmt: skip
            become("FINISHED")
            daemon.wait_limits([FULL, HELD, FULL], BACK_S + SLACK_S)
        finally:
            sys.stdout.write(daemon.log.read_text())
            daemon.stop()


def test_a_model_that_is_loaded_borrows_and_gives_back_when_it_goes(
    governor: Governor, kernel: Kernel, ryzan_env: dict[str, str], tmp_path: Path
) -> None:
    """The real model service; the machine claims to have next to nothing free."""
    kernel.write("proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 1024 kB\n")
    tmp_path.chmod(0o755)
    (tmp_path / "ryzan").mkdir()
    service = Ryzan(bus=governor.bus, folder=tmp_path / "ryzan", env=ryzan_env)
    try:
        service.wait_ready()
        service.wait_state("ready")
        wait_until("a loan", lambda: kernel.arc_max() < 1024 * MIB)
        lent = 1024 * MIB - kernel.arc_max()
        assert 100 * MIB < lent < 1000 * MIB
        assert Path(f"/proc/{service.worker()}/oom_score_adj").read_text() == "1000\n"
        assert governor.status()[StatusKey.ARC]["lent"] == lent
        governor.bus.run("busctl", f"--address={governor.bus.address}", "call", "org.sigmavault.Ryzan",
                         "/org/sigmavault/Ryzan", "org.sigmavault.Ryzan1", "UnloadModel", "s",
                         "smollm2-135m-instruct")  # fmt: skip
        wait_until("the loan to come back", lambda: kernel.arc_max() == 1024 * MIB)
    finally:
        sys.stdout.write(service.log.read_text())
        service.stop()


def test_it_ends_when_told_to(system_bus: SystemBus, kernel: Kernel) -> None:
    with limits(system_bus, kernel.root):
        daemon = Governor(system_bus, kernel.root)
        daemon.wait_ready()
        assert daemon.stop() == 0
    assert "STOPPING=1" in daemon.notices


def test_a_wrong_setting_ends_it_with_the_place(system_bus: SystemBus, kernel: Kernel) -> None:
    kernel.write("etc/sigmavault/governor.toml", "[pools]\nwhile_scrubbing = 'stop'\n")
    daemon = Governor(system_bus, kernel.root)
    assert daemon.process.wait(60) == 2
    daemon.stop()
    assert "/etc/sigmavault/governor.toml: pools.while_scrubbing = 'stop'" in daemon.log.read_text()


def test_the_interface_is_the_shipped_one(governor: Governor) -> None:
    shipped = ET.parse(DATA / f"usr/share/dbus-1/interfaces/{INTERFACE}.xml").getroot()  # noqa: S314
    told = governor.bus.run("busctl", f"--address={governor.bus.address}", "introspect", "--xml-interface",
                            *NAME[:2])  # fmt: skip
    ours = ET.fromstring(told)  # noqa: S314

    def members(root: ET.Element) -> dict[str, list[tuple[str | None, str | None]]]:
        (interface,) = [each for each in root.iter("interface") if each.get("name") == INTERFACE]
        return {
            str(member.get("name")): [(arg.get("name"), arg.get("type")) for arg in member.iter("arg")]
            for member in interface
            if member.tag in ("method", "signal")
        }

    assert members(ours) == members(shipped)
