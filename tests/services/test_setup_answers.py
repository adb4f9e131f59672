"""`sigmavault setup --answers`: the real command and the real host daemon, on a machine that is not there."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.simulated_host import SimulatedHost, simulated_host

DISK = "ata-WDC_WD40EFPX-68C6CN0_WD-NEW"
USED = "ata-TOSHIBA_HDWD130_USED1"
ANSWERS: dict[str, Any] = {
    "host_name": "attic", "time_zone": "Europe/Vienna",
    "administrator": {"name": "anna", "full_name": "Anna Maier", "password": "correct horse"},
    "network": {"method": "static", "port": "enp3s0", "address": "192.168.1.10/24", "gateway": "192.168.1.1",
                "name_servers": ["192.168.1.1"]},
    "pool": {"name": "tank", "layout": "raidz2", "disks": [f"{DISK}{number}" for number in range(1, 5)]},
    "shares": [{"name": "Photos", "preset": "media", "everybody": "read"}, {"name": "Documents"}],
}  # fmt: skip
OPERATIONS = Counter({
    "machine.set-hostname": 1, "user.create": 1, "user.make-administrator": 1, "machine.set-time-zone": 1,
    "machine.set-network": 1, "pool.create": 1, "dataset.create": 2, "share.create": 2,
})  # fmt: skip


@pytest.fixture
def nas(tmp_path: Path) -> Iterator[SimulatedHost]:
    with simulated_host(tmp_path) as host:
        yield host


def test_a_dry_run_shows_every_command_and_changes_nothing(nas: SimulatedHost) -> None:
    file = nas.answers(ANSWERS)
    done = nas.run("setup", "--answers", os.fspath(file), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "SIMULATED MACHINE" in done.stderr
    for text in (
        "Call this machine attic", "sigmavault pool create tank raidz2", "zpool create",
        "sigmavault share create Photos tank/photos --write anna --read @sigmavault-users",
    ):  # fmt: skip
        assert text in done.stdout
    assert "horse" not in done.stdout + done.stderr
    plan = nas.run("setup", "--answers", os.fspath(file), "--dry-run", "--json")
    assert {each["state"] for each in json.loads(plan.stdout)["steps"]} == {"waiting"}
    assert nas.ended() == []
    assert "not set up yet" in nas.run("setup", "--status").stdout


def test_from_blank_disks_to_shares_and_a_second_run_does_nothing(nas: SimulatedHost) -> None:
    file = os.fspath(nas.answers(ANSWERS))
    done = nas.run("setup", "--answers", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything is as it was wished." in done.stdout
    assert Counter(nas.ended()) == OPERATIONS
    found = nas.ask("machine", "settings")
    assert (found["host_name"], found["time_zone"], found["administrators"]) == (
        "attic", "Europe/Vienna", ["anna"]
    )  # fmt: skip
    assert nas.ask("pool", "list")["pools"][0]["name"] == "tank"
    assert {each["name"] for each in nas.ask("share", "list")["shares"]} == {"Photos", "Documents"}
    again = nas.run("setup", "--answers", file)
    assert (again.returncode, Counter(nas.ended())) == (0, OPERATIONS)
    assert again.stdout.count("(is so already)") == len(OPERATIONS) + 2
    journal = nas.folder / "setup.json"
    assert json.loads(journal.read_text())["progress"] == "done"
    assert journal.stat().st_mode & 0o777 == 0o600
    for each in (journal, nas.folder / "hostd.log"):
        assert "horse" not in each.read_text()
    assert nas.run("setup", "--if-asked-for").returncode == 0


def test_killed_at_every_step_it_goes_on_and_does_nothing_twice(nas: SimulatedHost) -> None:
    file = os.fspath(nas.answers(ANSWERS))
    kills, seen = 0, set()
    for delay_s in (0, 0.02) * 20:
        with nas.start("setup", "--answers", file) as run:
            assert run.stdout
            for line in run.stdout:
                if line.startswith(">") and line not in seen:
                    time.sleep(delay_s)
                    run.kill()
                    kills += 1
                    if delay_s:
                        seen.add(line)
                    break
        if run.returncode == 0:
            break
    assert run.returncode == 0
    assert kills >= 12
    assert Counter(nas.ended()) == OPERATIONS


def test_a_failure_leaves_the_rest_done_and_says_what_is_missing(nas: SimulatedHost) -> None:
    wrong = {**ANSWERS, "pool": {**ANSWERS["pool"], "disks": [f"{DISK}1", f"{DISK}2", f"{DISK}3", "ghost"]}}
    done = nas.run("setup", "--answers", os.fspath(nas.answers(wrong)))
    assert done.returncode == 1
    assert "Not done" in done.stdout
    assert "there is no disk ghost" in done.stdout
    assert "it needs what was not done: Create the pool tank" in done.stdout
    assert nas.ask("machine", "settings")["host_name"] == "attic"
    assert nas.run("setup", "--answers", os.fspath(nas.answers(ANSWERS))).returncode == 0


def test_data_is_lost_only_where_the_disk_is_named_and_the_pool_twice(nas: SimulatedHost) -> None:
    pool = {"name": "old", "layout": "stripe", "disks": [USED], "no_redundancy": True}
    for changes, told in (
        ({}, "has data"), ({"overwrite": [USED]}, "nothing was done"),
        ({"overwrite": [USED], "confirm": "tank"}, "nothing was done"),
    ):  # fmt: skip
        done = nas.run("setup", "--answers", os.fspath(nas.answers({"pool": {**pool, **changes}})))
        assert done.returncode != 0
        assert told in done.stdout + done.stderr
        assert nas.ended() == []
    last = nas.answers({"pool": {**pool, "overwrite": [USED], "confirm": "old"}})
    dry = nas.run("setup", "--answers", os.fspath(last), "--dry-run")
    assert "LOST FOR GOOD" in dry.stdout
    assert nas.run("setup", "--answers", os.fspath(last)).returncode == 0
    assert nas.ended() == ["pool.create"]


def test_a_password_that_others_can_read_is_refused(nas: SimulatedHost) -> None:
    file = nas.answers(ANSWERS)
    file.chmod(0o644)
    done = nas.run("setup", "--answers", os.fspath(file))
    assert done.returncode == 2
    assert "others may read it" in done.stderr
    assert nas.ended() == []


def test_without_a_terminal_and_answers_nobody_is_asked(nas: SimulatedHost) -> None:
    done = nas.run("setup")
    assert done.returncode == 2
    assert "--answers FILE" in done.stderr
