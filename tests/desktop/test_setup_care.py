"""What the assistant does without the host daemon, and when it is closed while it works."""

from __future__ import annotations

from collections.abc import Callable

from tests.desktop.conftest import SimulatedHost, simulated_host
from tests.desktop.seat import Seat
from tests.desktop.session import Desktop
from tests.desktop.test_setup import fill_in_welcome

type Start = Callable[[], Seat]
PAGES_BEFORE_THE_SUMMARY = (
    "Welcome", "Network and Time", "Your Machine", "Storage", "Shared Folders", "Language Models",
)  # fmt: skip


def go_to(seat: Seat, page: str) -> None:
    """With an account, and what is proposed on every other page."""
    seat.find("Welcome")
    fill_in_welcome(seat)
    for each in PAGES_BEFORE_THE_SUMMARY:
        seat.find(each)
        if each == page:
            return
        seat.click("Next")
    seat.find("Summary")


def test_without_the_host_daemon_it_says_so_and_tries_again(desktop: Desktop, assistant: Start) -> None:
    seat = assistant()
    seat.find("This Machine Cannot Be Set Up Now")
    with simulated_host(desktop, "new"):
        seat.click("Try Again")
        seat.find("Welcome")


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
