"""The live session: whoever sits at the machine is in, nobody else."""

import json
from typing import Any

import pytest

from tests.vm.machine.machine import Machine
from tests.vm.machine.timing import retry

pytestmark = [pytest.mark.vm, pytest.mark.only(target="iso")]


def sessions(vm: Machine) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(vm.succeed("loginctl", "list-sessions", "--json=short"))
    return listed


def test_the_live_user_is_logged_in_on_the_local_seat(vm):
    def logged_in(_last: bool) -> bool:
        return any(s["user"] == "sigmavault" and s["seat"] == "seat0" for s in sessions(vm))

    retry(logged_in, timeout_s=vm.scale.limit(40), interval_s=3, what="a session of the live user")


def test_the_live_user_is_an_administrator_without_a_password(vm):
    assert "sudo" in vm.succeed("id", "-nG", "sigmavault").split()
    assert vm.succeed("runuser", "-u", "sigmavault", "--", "sudo", "-n", "id", "-u").strip() == "0"


def test_the_medium_is_not_written_to(vm):
    mounts = vm.succeed("findmnt", "--noheadings", "--output=OPTIONS", "/run/live/medium")
    assert mounts.startswith("ro")
