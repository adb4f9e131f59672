"""Shares, users and groups on a simulated machine, by the product's own operations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.errors import CommandError
from sigmavault.core.operation import Change, NoArguments
from sigmavault.operations import registry
from sigmavault.operations.share.check import CheckShares
from sigmavault.operations.share.list import ListShares
from sigmavault.operations.user.list import ListUsers
from sigmavault.simulated import description
from sigmavault.simulated.machine import SimulatedMachine

from tests.unit.operations.scripted import Hands

HOME = Path(description.__file__).parent / "machines/home.yaml"


@pytest.fixture
def home() -> Iterator[SimulatedMachine]:
    made = SimulatedMachine(description.read_description(HOME))
    yield made
    made.close()


def do(machine: SimulatedMachine, operation_name: str, **asked: Any) -> Any:
    operation = registry.find(operation_name)()
    assert isinstance(operation, Change)
    arguments = operation.arguments_type().model_validate_json(json.dumps(asked))
    plan = operation.plan(arguments, machine)
    return operation.apply(arguments, plan, machine, Hands(secrets={"password": "correct horse"}))


def test_a_household_shares_its_files(home: SimulatedMachine) -> None:
    do(home, "group.create", name="family")
    do(home, "user.create", name="anna", group=["family"])
    assert do(home, "share.create", name="photos", dataset="tank/photos", write=["@family"]).available
    shared = do(home, "share.create", name="media", dataset="tank/media", protocol="nfs", host=["10.0.0.0/8"])
    assert shared.nfs.available
    assert CheckShares().read(NoArguments(), home).findings == ()
    (user,) = ListUsers().read(NoArguments(), home).users
    assert (user.enabled, user.groups) == (True, ("family",))
    do(home, "user.disable", name="anna")
    do(home, "group.delete", name="family")
    rows = {each.name: each.reason for each in ListShares().read(NoArguments(), home).shares}
    assert rows == {"media": "", "photos": "nobody has a right to it yet"}
    do(home, "user.delete", name="anna")
    assert ListUsers().read(NoArguments(), home).users == ()


def test_what_is_not_mounted_is_not_shared(home: SimulatedMachine) -> None:
    do(home, "user.create", name="anna")
    with pytest.raises(Exception, match="cannot be shared"):
        do(home, "share.create", name="private", dataset="tank/private", write=["anna"])


def test_programs_refuse_what_the_real_ones_do(home: SimulatedMachine) -> None:
    for argv in (
        ("userdel", "--", "nobody"),
        ("smbpasswd", "-d", "--", "nobody"),
        ("gpasswd", "--add", "a", "--", "b"),
    ):
        with pytest.raises(CommandError):
            home.run(argv, timeout_s=1)
