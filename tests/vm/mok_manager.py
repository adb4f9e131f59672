"""Walks through MokManager, the blue screens on which shim enrols a key.

The firmware writes them to the serial line as well as to the screen: there they are read. Each screen is
photographed, for whoever wants to know at which one it stopped.
"""

from __future__ import annotations

import time

from tests.vm.machine.errors import GuestError
from tests.vm.machine.machine import Machine
from tests.vm.machine.timing import retry

HARMLESS = "a"
"""A key that ends the countdown, and that the menus after it ignore."""


class Screens:
    """What MokManager shows from now on."""

    def __init__(self, vm: Machine) -> None:
        self.vm = vm
        self._read_to = 0
        self._number = 0

    def wait_for(self, text: str, *, pressing: str = "", timeout_s: float = 30) -> None:
        """Wait for a screen with that text, pressing a key meanwhile if one is given.

        Raises:
            GuestError: it does not come; the message has what came instead.
        """

        def attempt(last: bool) -> bool:
            self.vm.check_alive()
            shown = self.vm.serial()[self._read_to :]
            if text in shown:
                return True
            if last:
                raise GuestError(f"MokManager does not show {text!r}, but:\n{shown[-1500:]}")
            if pressing:
                self.vm.press(pressing)
            return False

        retry(attempt, timeout_s=self.vm.scale.limit(timeout_s), what=f"MokManager: {text}")
        # The rest of the screen is still being drawn.
        time.sleep(self.vm.scale.limit(0.3))
        self._number += 1
        self.vm.screenshot(f"mok-manager-{self._number}")
        self._read_to = len(self.vm.serial())

    def press(self, *keys: str) -> None:
        """Press keys one after the other, as slowly as the firmware looks for them."""
        for key in keys:
            self.vm.press(key)
            time.sleep(self.vm.scale.limit(0.1))


def enrol_requested_key(vm: Machine, password: str) -> None:
    """Accept the key that mokutil requested; returns when the machine starts anew.

    Raises:
        GuestError: a screen does not come, as when shim finds no MokManager or the password is wrong.
    """
    screens = Screens(vm)
    screens.wait_for("Press any key to perform MOK management", timeout_s=60)
    screens.wait_for("Enroll MOK", pressing=HARMLESS)
    screens.press("down", "ret")  # below "Continue boot"
    screens.wait_for("View key 0")
    screens.press("down", "ret")  # to "Continue"
    screens.wait_for("Enroll the key(s)?")
    screens.press("down", "ret")  # from "No" to "Yes"
    screens.wait_for("Password:")
    screens.press(*password, "ret")
    screens.wait_for("Reboot")
    screens.press("ret")
    vm.wait_for_reset()
