"""The assistant, used as a person uses it, on a machine that nobody has set up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.desktop.conftest import SimulatedHost
from tests.desktop.seat import RETURN, Seat, nameless
from tests.desktop.session import Desktop

PASSWORD = "correct horse"  # noqa: S105 - of nobody
type Start = Callable[[], Seat]


PAGES = (
    "Welcome", "Network and Time", "Your Machine", "Storage", "Shared Folders", "Language Models", "Summary",
)  # fmt: skip


def fill_in_welcome(seat: Seat) -> None:
    seat.write("Full name", "Anna Gruber")
    seat.write("Password", PASSWORD)
    seat.write("Password once more", PASSWORD)


def look(seat: Seat, file: Path, size: tuple[int, int]) -> None:
    """Picture a page; everything on it has a name, and the window is as small as it was made."""
    seat.screenshot(file)
    assert nameless(seat.widgets()) == []
    assert seat.size() == size


@pytest.mark.parametrize(
    ("scheme", "size"),
    [("default", (760, 720)), ("prefer-dark", (760, 720)), ("default", (360, 640))],
    ids=["light", "dark", "narrow"],
)
def test_a_new_machine_is_set_up(
    desktop: Desktop, host: SimulatedHost, assistant: Start, pictures: Path, scheme: str,
    size: tuple[int, int], request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    kind = request.node.callspec.id
    desktop.set_scheme(scheme)
    seat = assistant()
    seat.resize(*size)
    for at, page in enumerate(PAGES, start=1):
        seat.find(f"Step {at} of {len(PAGES)}, simulated")
        seat.find(page)
        if page == "Welcome":
            fill_in_welcome(seat)
        elif page == "Shared Folders":
            seat.click("Documents")
        look(seat, pictures / f"setup-{kind}-{at}.png", size)
        seat.click("Set Up" if page == "Summary" else "Next")
    seat.find("Setting Up")
    look(seat, pictures / f"setup-{kind}-8.png", size)
    seat.find("This SigmaVault Is Set Up", timeout_s=120)
    look(seat, pictures / f"setup-{kind}-9.png", size)
    assert [each["name"] for each in host.read("pool.list")["pools"]] == ["tank"]
    assert [each["name"] for each in host.read("share.list")["shares"]] == ["Documents"]
    assert host.read("machine.settings")["administrators"] == ["anna"]


def test_nobody_goes_on_before_an_answer_is_right(host: SimulatedHost, assistant: Start) -> None:
    seat = assistant()
    fill_in_welcome(seat)
    seat.type("x")
    seat.find("The two passwords differ.")
    assert not seat.is_usable("Next")
    seat.press(RETURN)
    assert not seat.is_shown("Network and Time")


def test_the_keyboard_alone_is_enough(host: SimulatedHost, assistant: Start) -> None:
    seat = assistant()
    fill_in_welcome(seat)
    seat.press(RETURN)
    seat.find("Network and Time")
