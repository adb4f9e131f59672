"""The walk through MokManager takes each screen once, in order, and says what it saw instead."""

import time
from functools import partial
from typing import Any

import pytest

from tests.vm import mok_manager
from tests.vm.machine.errors import GuestError
from tests.vm.machine.timing import TimeScale, retry
from tests.vm.mok_manager import Screens, enrol_requested_key


class Firmware:
    """Shows the next screen when its key is pressed; other keys do nothing."""

    WALK = (
        ("", "Press any key to perform MOK management"),
        ("a", "Perform MOK management  Continue boot  Enroll MOK  Enroll key from disk"),
        ("down ret", "[Enroll MOK]  View key 0  Continue"),
        ("down ret", "Enroll the key(s)?  No  Yes"),
        ("down ret", "Password:"),
        ("p w ret", "Perform MOK management  Reboot  Enroll key from disk"),
        ("ret", "BdsDxe: starting"),
    )
    scale = TimeScale(0.01)

    def __init__(self) -> None:
        self.shown = ""
        self.pressed: list[str] = []
        self.steps = list(self.WALK)
        self.pictures = 0
        self.has_reset = False
        self._go_on()

    def _go_on(self) -> None:
        if self.steps and self.pressed == self.steps[0][0].split():
            self.shown += self.steps.pop(0)[1]
            self.pressed = []

    def press(self, key: str) -> None:
        self.pressed.append(key)
        self._go_on()

    def serial(self) -> str:
        return self.shown

    def screenshot(self, _name: str) -> None:
        self.pictures += 1

    def check_alive(self) -> None:
        pass

    def wait_for_reset(self) -> None:
        self.has_reset = not self.steps


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(mok_manager, "retry", partial(retry, sleep=lambda _seconds: None))


def test_the_walk_ends_in_a_new_start():
    vm: Any = Firmware()
    enrol_requested_key(vm, "pw")
    assert vm.has_reset
    assert vm.pictures == 6


def test_a_screen_that_does_not_come_is_named_with_what_came():
    vm: Any = Firmware()
    with pytest.raises(GuestError, match=r"'Password:', but:\nPress any key"):
        Screens(vm).wait_for("Password:", timeout_s=1)


def test_what_was_read_is_not_read_again():
    vm: Any = Firmware()
    screens = Screens(vm)
    screens.wait_for("Press any key")
    with pytest.raises(GuestError):
        screens.wait_for("Press any key", timeout_s=1)
