"""`org.sigmavault.Models` on a private bus with polkit and a real host daemon over a simulated machine."""

# ruff: noqa: F811  # fixtures come by import

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.services.daemon import DATA, MODELS_USER, SOURCE
from tests.services.model_server import ModelServer
from tests.services.models_daemon import NAME, ModelsDaemon, wait_until
from tests.services.models_fixtures import (  # noqa: F401
    DATASET,
    LARGE,
    TINY,
    begin,
    by_name,
    daemon,
    host,
    server,
    sigmavault,
    slow,
)


def test_a_model_is_downloaded_and_shown_to_everybody(daemon: ModelsDaemon, server: ModelServer) -> None:
    begin(daemon, server)
    told = {each["id"]: each for each in daemon.told("Available")}
    assert told["tiny"]["here"] is False
    assert told["tiny"]["licence"] == "MIT"
    assert told["unknown-size"]["why_not"] == "not known: size"
    assert daemon.call("Download", "s", "tiny") == 'o "/org/sigmavault/Models/jobs/tiny"\n'
    row = daemon.wait("tiny", "done")
    assert (row["bytes"], row["size"], row["source"], row["reason"]) == (300_000, 300_000, "lan", "")
    file = daemon.models / "tiny.gguf"
    assert file.read_bytes() == TINY
    assert file.stat().st_mode & 0o777 == 0o644
    assert file.owner() == MODELS_USER
    assert {each["id"]: each["here"] for each in daemon.told("Available")}["tiny"] is True
    assert 'o "' in daemon.call("Download", "s", "tiny")
    assert len(server.requests) == 1, "what is here is not fetched again"
    daemon.call("Remove", "s", "tiny")
    assert not file.exists()
    assert daemon.row("tiny") == {}


def test_the_object_is_as_its_file_says(daemon: ModelsDaemon, server: ModelServer) -> None:
    begin(daemon, server)
    daemon.call("Download", "s", "tiny")
    for path, file in ((NAME[1], "Models1"), (f"{NAME[1]}/jobs/tiny", "Models1.Job")):
        said = daemon.bus.run(
            "busctl", f"--address={daemon.bus.address}", "--xml-interface", "introspect", NAME[0], path
        )
        wanted = (DATA / f"usr/share/dbus-1/interfaces/org.sigmavault.{file}.xml").read_text()
        assert _interface(said, f"org.sigmavault.{file}") == _interface(wanted, f"org.sigmavault.{file}")


def _interface(text: str, name: str) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for interface in ET.fromstring(text).findall(f"interface[@name='{name}']"):  # noqa: S314  # our own
        for member in interface:
            arguments = [f"{a.get('direction', 'out')}:{a.get('type')}" for a in member.findall("arg")]
            found.add((member.tag, member.get("name", ""), member.get("type", ""), *arguments))
    assert found
    return found


@pytest.mark.parametrize("member", ["Download", "Pause", "Resume", "Cancel", "Remove"])
def test_only_administrators_change_anything(daemon: ModelsDaemon, server: ModelServer, member: str) -> None:
    begin(daemon, server)
    said = daemon.call(member, "s", "tiny", user="nobody", check=False)
    assert "allow" in said
    assert daemon.told("List") == []


def test_without_consent_nothing_goes_to_the_boot_disk(daemon: ModelsDaemon, server: ModelServer) -> None:
    daemon.mirrors({"name": "lan", "kind": "files", "url": server.url, "lan": True})
    daemon.start()
    assert "there is no place for models" in daemon.call("Download", "s", "tiny", check=False)
    place = daemon.told("Place")
    assert (place["path"], place["boot_disk_allowed"]) == ("", False)
    assert "no dataset" in place["why_not"]
    daemon.call("AllowBootDisk", "b", "true")
    assert daemon.told("Place")["path"] == str(daemon.models)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("nothing", "no model is called"),
        ("../tiny", "no model is called"),
        ("unknown-size", "not known: size"),
    ],
)
def test_what_cannot_be_downloaded_is_refused_at_once(
    daemon: ModelsDaemon, server: ModelServer, model: str, words: str
) -> None:
    begin(daemon, server)
    assert words in daemon.call("Download", "s", model, check=False)
    assert daemon.told("List") == []


def test_a_wrong_mirror_file_stops_downloads_with_its_place(
    daemon: ModelsDaemon, server: ModelServer
) -> None:
    begin(daemon, server)
    daemon.mirrors({"name": "lan", "kind": "files", "url": "http://elsewhere/"})
    assert "10-test.yaml.mirrors[0]" in daemon.call("Download", "s", "tiny", check=False)


def test_a_refused_model_says_why_and_can_be_tried_again(daemon: ModelsDaemon, server: ModelServer) -> None:
    server.always = lambda request: request.send("200 OK", {"Content-Type": "text/html"}, b"<html>")
    begin(daemon, server)
    daemon.call("Download", "s", "tiny")
    assert daemon.wait("tiny", "failed")["reason"] == "lan sends a web page instead of the file"
    server.always = by_name
    daemon.call("Download", "s", "tiny")
    daemon.wait("tiny", "done")


def test_a_download_is_paused_gone_on_with_and_cancelled(daemon: ModelsDaemon, server: ModelServer) -> None:
    slow(server)
    begin(daemon, server)
    daemon.call("Download", "s", "large")
    daemon.call("Download", "s", "tiny")
    wait_until("some bytes", lambda: daemon.row("large").get("bytes", 0) > 2_000_000)
    row = daemon.row("large")
    assert row["bytes_per_second"] > 10_000
    assert row["seconds_left"] > 0
    assert daemon.row("tiny")["state"] == "queued"
    daemon.call("Pause", "s", "large")
    paused = daemon.wait("large", "paused")
    daemon.wait("tiny", "done")
    daemon.call("Resume", "s", "large")
    wait_until("more bytes", lambda: daemon.row("large")["bytes"] > paused["bytes"] + 1_000_000)
    assert server.requests[-1].offset > 2_000_000
    daemon.call("Cancel", "s", "large")
    wait_until("it is gone", lambda: not daemon.row("large"))
    assert sorted(each.name for each in daemon.models.iterdir()) == ["tiny.gguf"]


def wait_for_bytes(daemon: ModelsDaemon, least: int) -> None:
    wait_until(f"{least} bytes", lambda: daemon.row("large").get("bytes", 0) >= least)


def test_twelve_kills_cost_nothing_but_time(daemon: ModelsDaemon, server: ModelServer) -> None:
    slow(server, 0.002)
    begin(daemon, server)
    daemon.call("Download", "s", "large")
    unfinished = daemon.state / "unfinished"
    for kill in range(12):
        goal = len(LARGE) * (kill + 1) // 14
        wait_for_bytes(daemon, goal)
        daemon.kill()
        assert unfinished.exists()
        assert not (daemon.models / "large.gguf").exists()
        daemon.start()
    daemon.wait("large", "done")
    assert (daemon.models / "large.gguf").read_bytes() == LARGE
    offsets = [each.offset for each in server.requests]
    assert len(offsets) == 13
    assert offsets == sorted(offsets)
    assert not unfinished.exists()


def test_it_goes_on_after_an_orderly_end(daemon: ModelsDaemon, server: ModelServer) -> None:
    slow(server)
    begin(daemon, server)
    daemon.call("Download", "s", "large")
    wait_until("some bytes", lambda: daemon.row("large").get("bytes", 0) > 1_000_000)
    assert daemon.stop() == 0
    server.pace = lambda: None
    daemon.start()
    daemon.wait("large", "done")
    assert server.requests[1].offset > 1_000_000


def test_a_damaged_queue_is_no_end(daemon: ModelsDaemon, server: ModelServer) -> None:
    (daemon.state / "queue.json").write_text("{")
    begin(daemon, server)
    daemon.call("Download", "s", "tiny")
    daemon.wait("tiny", "done")


def test_it_stays_small(daemon: ModelsDaemon, server: ModelServer) -> None:
    begin(daemon, server)
    daemon.call("Download", "s", "large")
    daemon.wait("large", "done")
    assert daemon.memory_mib() < 60


PAGE = (SOURCE / "docs/reference/dbus-models.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_every_command_of_the_reference_works(daemon: ModelsDaemon, server: ModelServer) -> None:
    begin(daemon, server)
    assert len(COMMANDS) == 5
    typed = [command.replace("qwen3-0.6b", "tiny") for command in COMMANDS]
    said = {command.split()[-1]: daemon.bus.run("bash", "-c", command) for command in typed}
    assert '\\"state\\"' not in said["List"]
    assert said["tiny"] == 'o "/org/sigmavault/Models/jobs/tiny"\n'
    daemon.wait("tiny", "done")


GOVERNOR = """
import asyncio, sys
from pathlib import Path
from sdbus import DbusInterfaceCommonAsync, DbusUnprivilegedFlag, dbus_method_async, sd_bus_open_system
class Governor(DbusInterfaceCommonAsync, interface_name="org.sigmavault.Governor1"):
    @dbus_method_async("", "s", DbusUnprivilegedFlag, method_name="Status")
    async def status(self): return Path(sys.argv[1]).read_text()
async def main():
    bus = sd_bus_open_system()
    governor = Governor()
    governor.export_to_dbus("/org/sigmavault/Governor", bus)
    await bus.request_name_async("org.sigmavault.Governor", 0)
    await asyncio.sleep(3600)
asyncio.run(main())
"""
"""Somebody who says what the governor would."""


def test_downloads_wait_while_files_are_served_if_asked_to(
    daemon: ModelsDaemon, server: ModelServer, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    said.write_text('{"state": "serving", "cause": "Samba reads 400 MB/s"}')
    env = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": daemon.bus.address}
    governor = subprocess.Popen([sys.executable, "-c", GOVERNOR, said], env=env)
    try:
        listed = ("busctl", f"--address={daemon.bus.address}", "list", "--no-pager", "--acquired")
        wait_until("a governor", lambda: "org.sigmavault.Governor " in daemon.bus.run(*listed))
        begin(daemon, server, pause_while_busy=True)
        daemon.call("Download", "s", "tiny")
        wait_until("it waits", lambda: daemon.row("tiny")["reason"] == "waits: Samba reads 400 MB/s")
        assert daemon.row("tiny")["state"] == "queued"
        assert server.requests == []
        said.write_text('{"state": "idle", "cause": ""}')
        daemon.wait("tiny", "done")
    finally:
        governor.kill()
        governor.wait()


def test_models_move_to_a_dataset_that_is_made_for_them(
    daemon: ModelsDaemon, server: ModelServer, host: Path
) -> None:
    # the last test of this file: the dataset stays
    begin(daemon, server)
    daemon.call("Download", "s", "tiny")
    daemon.wait("tiny", "done")
    target = host / "models"
    target.mkdir()
    sigmavault(daemon, "dataset", "create", DATASET, "--preset", "models", "--yes")
    # on a real machine a step of that plan does this, with an ACL
    shutil.chown(target, MODELS_USER)
    link = daemon.models / "tiny.gguf"
    assert daemon.told("Place")["name"] == DATASET
    wait_until("the move", link.is_symlink)
    assert link.readlink() == target / "tiny.gguf"
    assert link.read_bytes() == TINY
    daemon.call("Download", "s", "large")
    daemon.wait("large", "done")
    assert (target / "large.gguf").read_bytes() == LARGE
    daemon.call("Remove", "s", "tiny")
    assert not (target / "tiny.gguf").exists()
    assert not link.is_symlink()
