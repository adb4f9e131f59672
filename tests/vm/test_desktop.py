"""GDM shows a session on the screen."""

import json

import pytest

from tests.vm.machine.picture import look_at
from tests.vm.machine.timing import retry

pytestmark = [pytest.mark.vm, pytest.mark.only(variant="desktop")]


def test_gdm_is_active(vm):
    vm.wait_for_unit("gdm.service")


def test_the_screen_shows_a_session(vm):
    def graphical(_last: bool) -> bool:
        listed = json.loads(vm.succeed("loginctl", "list-sessions", "--json=short"))
        kinds = [vm.succeed("loginctl", "show-session", "-P", "Type", s["session"]).strip() for s in listed]
        return bool({"wayland", "x11"} & set(kinds))

    retry(graphical, timeout_s=vm.scale.limit(60), interval_s=5, what="a graphical session")

    def painted(last: bool) -> bool:
        look = look_at(vm.screenshot("desktop"))
        if last:
            pytest.fail(f"the screen is empty: {look}")
        # A text console has two or three colours, a boot splash few more.
        return look.colours > 200 and look.variance > 50

    retry(painted, timeout_s=vm.scale.limit(60), interval_s=5, what="a painted screen")
