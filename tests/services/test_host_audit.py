"""The audit of the running daemon: nothing is missing or changed unseen, and no change without it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services.daemon import SERVICES, wait_until
from tests.services.host import MANAGER, OBJECT, Caller, HostDaemon, refused

LOG = Path("var/log/sigmavault/audit.jsonl")


def cut_line(lines: list[str]) -> list[str]:
    return [*lines[:3], *lines[4:]]


def alter_line(lines: list[str]) -> list[str]:
    return [*lines[:3], lines[3].replace('"root"', '"anna"'), *lines[4:]]


def swap_lines(lines: list[str]) -> list[str]:
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def cut_end(lines: list[str]) -> list[str]:
    return lines[:3]


def cut_beginning(lines: list[str]) -> list[str]:
    return lines[3:]


@pytest.mark.parametrize(
    ("damage", "line", "words"),
    [
        (cut_line, 4, "records 4 to 4 are missing"),
        (alter_line, 4, "was altered"),
        (swap_lines, 4, "records 4 to 4 are missing"),
        (cut_end, 4, "are missing before this one"),
        (cut_beginning, 1, "records 1 to 3 are missing"),
    ],
)
def test_damage_is_found_at_its_place(
    host: HostDaemon, root: Caller, damage: Callable[[list[str]], list[str]], line: int, words: str
) -> None:
    root.end(root.do("thing.make", name="lamp"))
    root.read("thing.list")
    assert root.read("audit.verify")["intact"]
    host.stop()
    lines = (host.root / LOG).read_text().splitlines(keepends=True)
    (host.root / LOG).write_text("".join(damage(lines)))
    host.start()
    host.wait_ready()
    with host.caller() as caller:
        verdict = caller.read("audit.verify")
    assert (verdict["intact"], verdict["line"], verdict["file"]) == (False, line, "audit.jsonl"), verdict
    assert words in verdict["problem"]


def test_the_log_is_for_administrators(host: HostDaemon, root: Caller) -> None:
    mode = (host.root / LOG).stat()
    assert stat.S_IMODE(mode.st_mode) == 0o640
    assert (host.root / LOG).group() == "adm"
    root.end(root.do("thing.make", name="lamp"))
    with host.caller("nobody") as stranger:
        stranger.read("thing.list")
        for name in ("audit.list", "audit.verify"):
            with refused("Auth.Needed"):
                stranger.read(name)
    listed = root.read("audit.list", user="nobody")["records"]
    assert [(row["operation"], row["result"]) for row in listed] == [
        ("audit.verify", "auth.needed"), ("audit.list", "auth.needed"), ("thing.list", "ok"),
    ]  # fmt: skip
    assert len(root.read("audit.list", operation="thing.make")["records"]) == 3
    assert len(root.read("audit.list", operation="thing", limit=2)["records"]) == 2
    since = root.read("audit.list", user="nobody")["records"][-1]["time"]
    assert root.read("audit.list", since=since, operation="thing.make")["records"] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "var/log/sigmavault"
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_what_cannot_be_written_down_is_not_done(small_disk: Path, host: HostDaemon, root: Caller) -> None:
    assert root.end(root.do("thing.make", name="lamp"))["State"] == "done"
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 512)
    with host.caller() as caller:
        for _ in range(20):  # the rest of the last page of the log
            caller.read("thing.list")
        _, token = caller.plan("thing.make", name="vase")
        with refused("Audit.Failed") as failed:
            caller.apply(token)
        assert "No space left on device" in failed.message
        assert [each["name"] for each in caller.read("thing.list")["things"]] == ["lamp"]
    ballast.unlink()
    assert root.end(root.do("thing.make", name="vase"))["State"] == "done"
    verdict = root.read("audit.verify")
    assert verdict["intact"], verdict


HOST = ("org.sigmavault.Host", OBJECT)
HIT_AND_RUN = {
    "a plan": (
        (*HOST, f"{MANAGER}.Thing", "Smash", "s", '{"name": "lamp"}'),
        {"event": "plan", "operation": "thing.smash"},
    ),
    "a plan that is applied": (
        (*HOST, MANAGER, "Apply", "ssba{sh}", "x" * 43, "lamp", "false", "0"),
        {"event": "apply"},
    ),
    "a job that is cancelled": (
        (HOST[0], "JOB", "org.sigmavault.HostJob1", "Cancel", "b", "false"),
        {"event": "cancel", "job": "JOB"},
    ),
    "an event of a pool": (
        (*HOST, MANAGER, "ReportEvent", "a{ss}", "1", "pool", "tank"),
        {"event": "event"},
    ),
    "a question": (
        (*HOST, MANAGER, "Read", "ssb", "thing.peek", '{"name": "lamp"}', "false"),
        {"event": "read", "operation": "thing.peek"},
    ),
}  # fmt: skip


MANY_CALLS = """
import asyncio
from sigmavault.system.bus import open_system, uid_of
bus = open_system()
assert asyncio.run(uid_of(bus, "org.freedesktop.DBus")) >= 0  # the connection stands
for _ in range(400):
    call = bus.new_method_call_message(
        "org.sigmavault.Host", "/org/sigmavault/Host", "org.sigmavault.Host1.Thing", "List"
    )
    call.append_data("s", "{}")
    call.expect_reply = False
    call.send()
"""


@contextmanager
def asleep(host: HostDaemon) -> Iterator[None]:
    """The daemon sees what happens here only afterwards."""
    host.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        host.process.send_signal(signal.SIGCONT)


def call_and_leave(host: HostDaemon, *call: str, user: str) -> None:
    with asleep(host):
        host.bus.run("busctl", f"--address={host.bus.address}", "--expect-reply=no", "call", *call, user=user)


@pytest.mark.parametrize("what", HIT_AND_RUN)
def test_who_has_left_before_it_was_known_is_refused_and_written_down(
    host: HostDaemon, root: Caller, what: str
) -> None:
    job = root.do("thing.make", name="lamp", parts=20, pause_ms=20)
    call, facts = HIT_AND_RUN[what]
    before = len(host.audit())
    call_and_leave(host, *(job if part == "JOB" else part for part in call), user="games")
    wait_until("a record of it", lambda: any(row["result"] == "auth.denied" for row in host.audit()))
    assert root.end(job)["State"] == "done"
    rows = [row for row in host.audit()[before:] if row["result"] == "auth.denied"]
    assert len(rows) == 1, "one call, one record"
    who = rows[0]["who"]
    assert (who["uid"], who["user"], who["pid"], who["program"]) == (-1, "", 0, "")
    told = {key: value.rpartition("/")[2] if key == "job" else value for key, value in rows[0].items()}
    expected = {key: job.rpartition("/")[2] if value == "JOB" else value for key, value in facts.items()}
    assert {key: told[key] for key in expected} == expected
    assert root.read("audit.list", user="?")["records"][0]["user"] == "?"


def test_those_whom_nobody_can_name_share_one_part_of_the_log(host: HostDaemon, root: Caller) -> None:
    with asleep(host):
        done = subprocess.run(
            [sys.executable, "-c", MANY_CALLS], check=False, timeout=60, user="nobody",
            env={"PYTHONPATH": os.fspath(SERVICES), "DBUS_SYSTEM_BUS_ADDRESS": host.bus.address},
        )  # fmt: skip
    assert done.returncode == 0
    root.read("thing.list")  # comes after all of those

    def results() -> Counter[str]:
        return Counter(row["result"] for row in host.audit() if row["who"] and row["who"]["uid"] == -1)

    wait_until("their records", lambda: results()["auth.denied"] >= 300)
    assert results()["service.too-many-calls"] == 1, results()
    assert results()["auth.denied"] <= 350, results()
