"""The console assistant at a real pseudo-terminal, with the real host daemon of a simulated machine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.command_line import Terminal, script_at_terminal
from tests.services.daemon import DATA
from tests.services.simulated_host import SimulatedHost, simulated_host

ENTER, TAB, ESCAPE, CLEAR, GO = "\r", "\t", "\x1b", "\x15", "\x0e"


@pytest.fixture
def nas(tmp_path: Path) -> Iterator[SimulatedHost]:
    with simulated_host(tmp_path) as host:
        yield host


def fill(person: Terminal, *values: str) -> None:
    """Type into the fields of a page, one after another, from the first on; ends on `Next`."""
    for value in values:
        person.type(f"{CLEAR}{value}{ENTER}" if value else TAB)


def to_the_pool(person: Terminal) -> None:
    """Answer the first pages."""
    person.wait_for("Begin", 120)
    person.type(ENTER)
    person.wait_for("Other computers find it")
    fill(person, "attic", "Europe/Vienna")
    person.type(ENTER)
    person.wait_for("Who looks after this machine")
    fill(person, "anna", "Anna Maier", "correct horse", "correct horse")
    person.type(ENTER)
    person.wait_for("gives this machine its address")
    person.type(GO)
    person.wait_for("this machine counts as")
    person.type(ENTER)
    person.wait_for("can become a pool")


def test_a_person_sets_a_new_machine_up(nas: SimulatedHost) -> None:
    with nas.at_terminal("setup") as person:
        to_the_pool(person)
        person.wait_for("serial USED1")
        person.type(GO)
        person.wait_for("raidz2: room for 7.28 TiB, 2 disks may fail")
        person.type(f"{CLEAR}tank{GO}")
        person.wait_for("Folders that Windows")
        person.type(f" {GO}")  # Documents
        person.wait_for("Already here")
        person.type(GO)
        person.wait_for("Everything that will be done")
        person.type(GO)
        person.wait_for("Everything is as it was wished", 120)
        person.type(ENTER)
        assert person.process.wait(30) == 0
        assert "horse" not in person.seen
    assert nas.ended() == [
        "machine.set-hostname", "user.create", "user.make-administrator", "machine.set-time-zone",
        "pool.create", "dataset.create", "share.create",
    ]  # fmt: skip
    assert nas.ask("share", "list")["shares"][0]["name"] == "Documents"
    assert json.loads((nas.folder / "setup.json").read_text())["progress"] == "done"
    assert nas.run("setup", "--if-asked-for").returncode == 0


def test_a_wrong_answer_is_told_and_stays_on_its_page(nas: SimulatedHost) -> None:
    with nas.at_terminal("setup") as person:
        person.wait_for("Begin", 120)
        person.type(ENTER)
        person.wait_for("Other computers find it")
        fill(person, "At tic", "Europe/Vienna")
        person.type(ENTER)
        person.wait_for("The name must be 1 to 15 small letters")
        fill_again = "\x1b[Z" * 2
        person.type(f"{fill_again}{CLEAR}attic{TAB}{CLEAR}Europe/Atlantis{TAB}{ENTER}")
        person.wait_for("The time zone is not known")
        person.interrupt()
        assert person.process.wait(30) == 130
    assert nas.ended() == []


def test_whoever_does_not_want_to_be_asked_is_not(nas: SimulatedHost) -> None:
    with nas.at_terminal("setup", "--if-asked-for") as person:
        person.wait_for("Do not ask again", 120)
        person.type(TAB * 2 + ENTER)
        assert person.process.wait(30) == 0
    assert "Nobody wants to be asked" in nas.run("setup", "--status").stdout
    with nas.at_terminal("setup", "--if-asked-for") as person:
        assert person.process.wait(30) == 0
    assert nas.ended() == []


def test_data_is_lost_only_after_the_name_was_typed(nas: SimulatedHost) -> None:
    with nas.at_terminal("setup") as person:
        to_the_pool(person)
        person.wait_for("serial USED1")
        # none of the new ones, but the used one
        person.type(f" {TAB} {TAB} {TAB} {TAB} {GO}")
        person.wait_for("no disk may fail")
        person.type(GO)
        person.wait_for("Folders that Windows")
        person.type(GO)
        person.wait_for("Already here")
        person.type(GO)
        person.wait_for("LOST FOR GOOD")
        person.type(f"tan{GO}")
        person.wait_for("Type tank to agree that this data is lost.")
        person.type(ESCAPE)
        person.wait_for("Already here")
        person.type(GO)
        person.wait_for("LOST FOR GOOD")
        person.type(f"tank{GO}")
        person.wait_for("Everything is as it was wished", 120)
        person.type(ENTER)
        assert person.process.wait(30) == 0
    assert "pool.create" in nas.ended()


def test_the_first_console_becomes_a_login_when_nobody_has_to_be_asked(nas: SimulatedHost) -> None:
    program = [os.fspath(DATA / "usr/libexec/sigmavault/console"), "--version"]
    with script_at_terminal(program, nas.env) as person:
        person.wait_for("Press Enter", 120)
        assert "pydantic" not in Path(f"/proc/{person.process.pid}/maps").read_text(), (
            "who waits loads nothing"
        )
        person.type(ENTER)
        person.wait_for("Do not ask again", 120)
        person.type(TAB * 2 + ENTER)
        person.wait_for("agetty from util-linux")
        assert person.process.wait(30) == 0
    with script_at_terminal(program, {**nas.env, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"}) as person:
        person.wait_for("agetty from util-linux")
        assert person.process.wait(30) == 0
