"""What the assistant does where something is lost, missing, broken off or there already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.desktop.conftest import SimulatedHost, simulated_host
from tests.desktop.seat import BACKSPACE, Seat
from tests.desktop.session import Desktop
from tests.desktop.test_setup import PAGES, fill_in_welcome

type Start = Callable[[], Seat]
USED = "2.73 TiB TOSHIBA HDWD130, serial USED1"


def go_to(seat: Seat, page: str) -> None:
    """With an account where one is asked for, and what is proposed on every page before this one."""
    seat.find("Welcome")
    if seat.is_shown("Full name"):
        fill_in_welcome(seat)
    for each in PAGES[: PAGES.index(page)]:
        seat.find(each)
        seat.click("Next")
    seat.find(page)


def test_data_is_lost_only_when_the_name_of_the_pool_was_typed(host: SimulatedHost, assistant: Start) -> None:
    seat = assistant()
    go_to(seat, "Storage")
    for number in range(1, 5):
        seat.activate(f"Use 3.64 TiB WDC WD40EFPX-68C6CN0, serial WD-NEW{number}")
    seat.find("Choose at least one disk.")
    seat.activate(f"Use {USED}")
    seat.find("Everything on ata-TOSHIBA_HDWD130_USED1 will be lost.")
    for page in ("Shared Folders", "Language Models", "Summary"):
        seat.click("Next")
        seat.find(page)
    seat.find("What Will Be Lost")
    seat.find_part("ntfs “Backup”")
    assert not seat.is_usable("Set Up")
    seat.write("Type tank to agree", "tanc")
    assert not seat.is_usable("Set Up")
    seat.press(BACKSPACE)
    seat.type("k")
    seat.click("Set Up")
    seat.find("This SigmaVault Is Set Up", timeout_s=120)
    assert [each["name"] for each in host.read("pool.list")["pools"]] == ["tank"]


def test_disks_of_different_sizes_are_put_together_only_where_that_is_meant(
    host: SimulatedHost, assistant: Start, pictures: Path
) -> None:
    seat = assistant()
    go_to(seat, "Storage")
    seat.activate(f"Use {USED}")
    seat.find("The disks are not of one size: say that they are meant, or choose others.")
    seat.screenshot(pictures / "setup-sizes.png")
    assert not seat.is_usable("Next")
    seat.click("Use disks of different sizes")
    for page in ("Shared Folders", "Language Models", "Summary"):
        seat.click("Next")
        seat.find(page)
    seat.find_part("ntfs “Backup”")
    seat.screenshot(pictures / "setup-losses.png")
    seat.write("Type tank to agree", "tank")
    seat.click("Set Up")
    seat.find("This SigmaVault Is Set Up", timeout_s=120)
    (pool,) = host.read("pool.list")["pools"]
    assert len([each for each in host.read("pool.show", name=pool["name"])["vdevs"] if each["disk"]]) == 5


def test_the_plan_has_the_commands_of_the_host_daemon(host: SimulatedHost, assistant: Start) -> None:
    seat = assistant()
    go_to(seat, "Summary")
    seat.activate("Create the pool tank out of 4 disks (raidz2)")
    seat.find_part("sigmavault pool create tank raidz2")
    seat.find_part("zpool create")


def test_without_the_host_daemon_it_says_so_and_tries_again(desktop: Desktop, assistant: Start) -> None:
    seat = assistant()
    seat.find("This Machine Cannot Be Set Up Now")
    with simulated_host(desktop, "new"):
        seat.click("Try Again")
        seat.find("Welcome")


def test_an_assistant_that_was_killed_goes_on_from_what_is_there(
    host: SimulatedHost, assistant: Start
) -> None:
    seat = assistant()
    go_to(seat, "Shared Folders")
    seat.click("Documents")
    for page in ("Language Models", "Summary"):
        seat.click("Next")
        seat.find(page)
    seat.click("Set Up")
    seat.find("Setting Up")
    seat.kill()
    seat = assistant()
    go_to(seat, "Summary")
    seat.click("Finish" if seat.is_shown("Finish") else "Set Up")
    seat.find("This SigmaVault Is Set Up", timeout_s=120)
    assert [each["name"] for each in host.read("pool.list")["pools"]] == ["tank"]
    assert [each["name"] for each in host.read("share.list")["shares"]] == ["Documents"]
    assert host.read("machine.settings")["administrators"] == ["anna"]


def test_closing_while_it_works_asks_first(host: SimulatedHost, assistant: Start) -> None:
    seat = assistant()
    go_to(seat, "Summary")
    seat.click("Set Up")
    seat.find("Setting Up")
    seat.close()
    seat.find("Stop Setting Up?")
    seat.click("Go On")
    seat.find("This SigmaVault Is Set Up", timeout_s=120)
    seat.click("Close")
