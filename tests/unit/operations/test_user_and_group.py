"""Users and groups of the NAS: made whole, removed whole, and nobody else's are touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.errors import CommandError, InvalidRequestError, OperationError, UnknownObjectError
from sigmavault.core.operation import NoArguments, Outcome
from sigmavault.operations.group.add_member import AddMember
from sigmavault.operations.group.create import CreateGroup
from sigmavault.operations.group.delete import DeleteGroup
from sigmavault.operations.group.remove_member import RemoveMember
from sigmavault.operations.share.create import CreateShare
from sigmavault.operations.user.create import CreateUser, CreateUserArguments
from sigmavault.operations.user.delete import DeleteUser
from sigmavault.operations.user.disable import DisableUser
from sigmavault.operations.user.enable import EnableUser
from sigmavault.operations.user.list import ListUsers
from sigmavault.operations.user.password import SetUserPassword

from tests.unit.operations.scripted import Hands
from tests.unit.operations.sharing_machine import SharingMachine, do, planned

SECRET = {"password": "correct horse"}


@pytest.fixture
def machine(tmp_path: Path) -> SharingMachine:
    return SharingMachine(tmp_path)


def record(machine: SharingMachine) -> dict[str, object]:
    return dict(json.loads(machine.text("etc/sigmavault/accounts.json")))


def test_a_user_is_made_with_a_password_that_stands_nowhere(machine: SharingMachine) -> None:
    answer = do(machine, CreateUser(), SECRET, name="carla", group=["family"])
    assert (answer.uid, answer.groups, answer.enabled) == (20003, ("family",), True)
    add = next(argv for argv in machine.ran if argv[0] == "useradd")
    assert add[-2:] == ("--", "carla")
    assert {"--no-create-home", "/usr/sbin/nologin"} <= set(add)
    assert machine.inputs.count("correct horse\ncorrect horse\n") == 1
    assert not any("correct horse" in word for argv in machine.ran for word in argv)
    assert "correct" not in "".join(p.read_text() for p in machine.root.rglob("*") if p.is_file())


@pytest.mark.parametrize("password", ["short", "x" * 128, "with\nline break", "tab\tinside!!"])
def test_a_password_that_cannot_be_is_refused_first(machine: SharingMachine, password: str) -> None:
    with pytest.raises(InvalidRequestError, match="password"):
        do(machine, CreateUser(), {"password": password}, name="carla")
    assert not any(argv[0] == "useradd" for argv in machine.ran)
    with pytest.raises(InvalidRequestError, match="missing"):
        do(machine, CreateUser(), {}, name="carla")


def test_a_user_without_a_password_does_not_stay(machine: SharingMachine) -> None:
    machine.fails[("smbpasswd",)] = CommandError(("smbpasswd",), 1, "no")
    arguments = CreateUserArguments.model_validate({"name": "carla"})
    plan = CreateUser().plan(arguments, machine)
    with pytest.raises(CommandError):
        CreateUser().apply(arguments, plan, machine, Hands(secrets=SECRET))
    assert "carla" not in machine.text("etc/passwd")
    assert record(machine)["next_id"] == 20004, "the number is never given again"
    assert CreateUser().outcome(arguments, plan, machine) is Outcome.FAILED


@pytest.mark.parametrize("name", ["root", "anna", "family", "owner", "own", "guest"])
def test_names_that_are_taken_are_refused(machine: SharingMachine, name: str) -> None:
    with pytest.raises((OperationError, InvalidRequestError)):
        planned(machine, CreateUser(), name=name)


@pytest.mark.parametrize("operation", [DeleteUser, DisableUser, EnableUser, SetUserPassword])
@pytest.mark.parametrize("name", ["root", "owner"])
def test_users_of_the_machine_are_never_touched(machine: SharingMachine, operation: type, name: str) -> None:
    with pytest.raises(OperationError, match="not made by SigmaVault"):
        planned(machine, operation(), name=name)
    with pytest.raises(UnknownObjectError):
        planned(machine, operation(), name="nobody-here")


def test_a_user_is_disabled_and_enabled(machine: SharingMachine) -> None:
    session = {"sessions": {"1": {"username": "anna", "server_id": {"pid": "77"}}}, "tcons": {}}
    machine.says = {**machine.says, ("smbstatus",): json.dumps(session)}
    assert do(machine, DisableUser(), name="anna").enabled is False
    assert ("smbcontrol", "77", "shutdown") in machine.ran
    with pytest.raises(OperationError, match="already"):
        planned(machine, DisableUser(), name="anna")
    assert do(machine, EnableUser(), name="anna").enabled is True


def test_who_leaves_loses_every_right_and_the_number_is_nobodys(machine: SharingMachine) -> None:
    do(machine, CreateShare(), name="photos", dataset="tank/photos", write=["anna", "bob"])
    plan = planned(machine, DeleteUser(), name="anna")
    assert plan.confirmation == "anna"
    assert "Its right to the share photos." in plan.losses
    do(machine, DeleteUser(), name="anna")
    left = machine.text("etc/passwd") + machine.text("etc/samba/sigmavault-shares.conf") + machine.logins
    assert "anna" not in left
    assert "u:anna" not in next(argv for argv in reversed(machine.ran) if argv[0] == "setfacl")[3]
    assert do(machine, CreateUser(), SECRET, name="anna").uid == 20003


def test_who_everybody_is_over_nfs_is_not_removed(machine: SharingMachine) -> None:
    share: dict[str, Any] = {"name": "media", "dataset": "tank", "protocol": "nfs"}
    share |= {"host": ["10.0.0.1"], "nfs_users": "anna"}
    do(machine, CreateShare(), **share)
    with pytest.raises(OperationError, match="everybody who uses media is anna"):
        planned(machine, DeleteUser(), name="anna")


def test_a_group_lives_and_ends(machine: SharingMachine) -> None:
    assert do(machine, CreateGroup(), name="work").gid == 20003
    assert do(machine, AddMember(), name="work", user="bob").members == ("bob",)
    with pytest.raises(OperationError, match="is in work already"):
        planned(machine, AddMember(), name="work", user="bob")
    assert do(machine, RemoveMember(), name="work", user="bob").members == ()
    do(machine, CreateShare(), name="photos", dataset="tank/photos", write=["@work", "anna"])
    do(machine, DeleteGroup(), name="work")
    assert "work" not in machine.text("etc/group") + machine.text("etc/samba/sigmavault-shares.conf")
    assert [each.name for each in ListUsers().read(NoArguments(), machine).users] == ["anna", "bob"]


@pytest.mark.parametrize("name", ["sigmavault-users", "owner"])
def test_groups_of_the_machine_are_never_touched(machine: SharingMachine, name: str) -> None:
    with pytest.raises(OperationError, match="not made by SigmaVault"):
        planned(machine, DeleteGroup(), name=name)
    with pytest.raises(OperationError, match="not made by SigmaVault"):
        planned(machine, AddMember(), name=name, user="anna")
