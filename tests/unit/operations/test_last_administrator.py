"""The last administrator who can log in is not taken away, by whatever operation."""

from __future__ import annotations

from typing import Any

import pytest
from sigmavault.core.errors import OperationError
from sigmavault.operations.group.delete import DeleteGroup
from sigmavault.operations.group.remove_member import RemoveMember
from sigmavault.operations.user.create import CreateUser
from sigmavault.operations.user.delete import DeleteUser
from sigmavault.operations.user.disable import DisableUser
from sigmavault.operations.user.make_administrator import MakeAdministrator
from sigmavault.operations.user.password import UserArguments
from sigmavault.simulated.machine import SimulatedMachine
from sigmavault.system import settings

from tests.unit.operations.new_machine import do, new_machine


@pytest.fixture
def machine() -> Any:
    with new_machine() as made:
        yield made


def administrator(machine: SimulatedMachine, name: str) -> None:
    do(machine, CreateUser(), name=name)
    do(machine, MakeAdministrator(), name=name)


def test_the_last_administrator_who_can_log_in_is_not_removed(machine: SimulatedMachine) -> None:
    administrator(machine, "anna")
    with pytest.raises(OperationError, match="anna is the last administrator who can log in") as refused:
        do(machine, DeleteUser(), name="anna")
    assert "make another one first" in refused.value.hint
    do(machine, CreateUser(), name="carla")
    do(machine, DeleteUser(), name="carla")  # whoever is none may go
    administrator(machine, "bob")
    plan = DeleteUser().plan(UserArguments(name="anna"), machine)
    assert "Its right to look after this machine." in plan.losses
    do(machine, DeleteUser(), name="anna")
    assert settings.administrators(machine) == ("bob",)
    with pytest.raises(OperationError, match="bob is the last administrator"):
        do(machine, DeleteUser(), name="bob")


@pytest.mark.parametrize("fault", ["locked", "expired", "without a password", "without a shell", "gone"])
def test_an_administrator_who_cannot_log_in_does_not_count(machine: SimulatedMachine, fault: str) -> None:
    administrator(machine, "anna")
    administrator(machine, "bob")
    passwd, shadow = machine.root / "etc/passwd", machine.root / "etc/shadow"
    line = "bob:$simulated:20000:0:99999:7:::\n"
    assert line in shadow.read_text()
    match fault:
        case "locked":
            shadow.write_text(shadow.read_text().replace(line, line.replace(":$", ":!$")))
        case "expired":
            shadow.write_text(shadow.read_text().replace(line, "bob:$simulated:20000:0:99999:7::19000:\n"))
        case "without a password":
            shadow.write_text(shadow.read_text().replace(line, line.replace("$simulated", "")))
        case "without a shell":
            bob = next(row for row in passwd.read_text().splitlines() if row.startswith("bob:"))
            passwd.write_text(passwd.read_text().replace(bob, bob.replace("/bin/bash", "/usr/sbin/nologin")))
        case "gone":
            rows = passwd.read_text().splitlines(keepends=True)
            passwd.write_text("".join(row for row in rows if not row.startswith("bob:")))
    with pytest.raises(OperationError, match="anna is the last administrator"):
        DeleteUser().plan(UserArguments(name="anna"), machine)


def test_nobody_is_removed_while_it_is_not_known_who_can_log_in(machine: SimulatedMachine) -> None:
    administrator(machine, "anna")
    administrator(machine, "bob")
    (machine.root / "etc/shadow").unlink()
    with pytest.raises(OperationError, match="who can log in cannot be read"):
        DeleteUser().plan(UserArguments(name="anna"), machine)


def test_what_ends_a_login_to_shares_leaves_the_administrator(machine: SimulatedMachine) -> None:
    """The other ways to the same end: shares are not the console, and the group is not ours."""
    administrator(machine, "anna")
    plan = DisableUser().plan(UserArguments(name="anna"), machine)
    assert "anna stays an administrator, and still logs in at the console." in plan.warnings
    do(machine, DisableUser(), name="anna")
    assert settings.administrators(machine) == ("anna",)
    with pytest.raises(OperationError, match="last administrator"):
        DeleteUser().plan(UserArguments(name="anna"), machine)
    for operation, asked in ((RemoveMember(), {"user": "anna"}), (DeleteGroup(), {})):
        with pytest.raises(OperationError, match="sudo is a group of this machine"):
            do(machine, operation, name="sudo", **asked)
