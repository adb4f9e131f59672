"""What is answered page by page, before it is checked as a whole: no widget is needed for that."""

from __future__ import annotations

import pytest
from sigmavault.core.network import Method
from sigmavault.core.setup.facts import DiskFact, Facts, pool_choices, proposed_disks
from sigmavault.core.setup.plan import plan_setup
from sigmavault.core.setup.state import MachineState
from sigmavault.core.storage.topology import Layout
from sigmavault.core.values import TIB
from sigmavault.desktop.setup.contract import Report
from sigmavault.desktop.setup.draft import Draft, Wiring, login_of

GIVEN = "correct horse"


def disk(name: str, size: int = 4 * TIB, reasons: tuple[str, ...] = ()) -> DiskFact:
    return DiskFact(name=name, size_bytes=size, is_eligible=not reasons, reasons=reasons)


def facts(*disks: DiskFact, state: MachineState | None = None) -> Facts:
    choices = pool_choices(proposed_disks(disks))
    return Facts(
        state=state or MachineState(host_name="vault", time_zone="UTC"), disks=disks, choices=choices,
        proposal=choices[0] if choices else None,
    )  # fmt: skip


def draft(*disks: DiskFact, state: MachineState | None = None) -> Draft:
    found = Draft.of(facts(*disks, state=state))
    person = found.person
    person.name, person.password, person.repeated = "anna", GIVEN, GIVEN
    return found


def test_what_is_proposed_becomes_answers() -> None:
    found = draft(disk("a"), disk("b"), disk("used", reasons=("has-data",)))
    found.folders[0].is_wanted = True
    answers = found.answers()
    assert answers.pool is not None
    assert (answers.pool.layout, answers.pool.disks, answers.pool.overwrite) == (
        Layout.MIRROR, ("a", "b"), (),
    )  # fmt: skip
    assert answers.shares[0].write == ("anna",)
    assert plan_setup(answers, found.facts.state).confirmation == ""


def test_a_disk_with_data_has_to_be_confirmed_with_the_name_of_the_pool() -> None:
    found = draft(disk("a"), disk("used", reasons=("has-data",)))
    found.pool.disks = ("a", "used")
    plan = plan_setup(found.answers(), found.facts.state)
    assert plan.confirmation == "tank"
    assert plan.losses


def test_disks_of_unequal_size_are_put_together_only_where_that_is_meant() -> None:
    found = draft(disk("a"), disk("b"), disk("small", TIB))
    found.pool.uneven_sizes = True
    assert "uneven_sizes" not in found.as_json()["pool"], "those that are proposed are of one size"
    found.pool.uneven_sizes, found.pool.disks = False, ("a", "b", "small")
    assert found.pool.fault(found.facts).startswith("The disks are not of one size: say that they are meant")
    assert not found.pool.is_complete(found.facts)
    found.pool.uneven_sizes = True
    assert found.pool.is_complete(found.facts)
    step = plan_setup(found.answers(), found.facts.state).step("pool")
    assert step.command == "sigmavault pool create tank mirror a b small --uneven-sizes"


def test_without_disks_there_is_no_pool_and_no_folder() -> None:
    found = draft()
    found.folders[0].is_wanted = True
    assert not found.pool.is_wanted
    assert not found.can_share
    assert found.answers().shares == ()


def test_models_need_a_place_that_somebody_has_agreed_to() -> None:
    found = draft()
    found.models_on_system_disk = True
    assert not found.asks_for_system_disk, "there is no model to keep"
    assert not found.answers().models_on_system_disk
    found.models, found.models_on_system_disk = {"tiny"}, False
    assert found.models_fault() == "Models need a storage pool, or the system disk"
    found.models_on_system_disk = True
    assert found.answers().models_on_system_disk
    with_pool = draft(disk("a"), disk("b"))
    with_pool.models, with_pool.models_on_system_disk = {"tiny"}, True
    assert (with_pool.models_fault(), with_pool.answers().models_on_system_disk) == ("", False)


def test_on_a_machine_that_is_set_up_nothing_is_proposed_anew() -> None:
    state = MachineState(
        host_name="vault", time_zone="UTC", administrators=frozenset({"anna"}), users={"anna": True},
        pools={"tank": frozenset({"a"})},
    )  # fmt: skip
    found = Draft.of(facts(disk("b"), state=state))
    assert not found.person.is_wanted
    assert not found.pool.is_wanted
    assert found.pool.name == "tank2"
    assert (found.place_of_folders, found.writer) == ("tank", "anna")
    assert plan_setup(found.answers(), state).is_settled


@pytest.mark.parametrize(
    ("password", "repeated", "fault"),
    [("short", "short", "The password must have 8 to 127 characters"),
     (GIVEN, GIVEN + "x", "The two passwords differ"), (GIVEN, GIVEN, "")],
)  # fmt: skip
def test_a_password_is_long_enough_and_typed_twice(password: str, repeated: str, fault: str) -> None:
    person = draft().person
    person.password, person.repeated = password, repeated
    assert person.fault() == fault
    assert person.is_complete is not bool(fault)


def test_a_fixed_address_needs_its_parts() -> None:
    assert not Wiring(is_fixed=True, port="enp1s0").is_complete
    wiring = Wiring(is_fixed=True, port="enp1s0", address="192.168.1.10/24")
    assert wiring.is_complete
    wiring.gateway = "192.168.2.1"
    assert wiring.fault() == "The gateway 192.168.2.1 is not in the network 192.168.1.0/24"
    wiring.gateway, wiring.name_server = "192.168.1.1", "192.168.1.1, 9.9.9.9"
    assert wiring.as_json()["method"] == Method.STATIC
    assert wiring.as_json()["name_servers"] == ["192.168.1.1", "9.9.9.9"]


@pytest.mark.parametrize(
    ("full_name", "login"),
    [("Anna Gruber", "anna"), ("Jürgen", "jurgen"), ("1st Person", "st"), ("Ωμέγα", ""), ("", "")],
)
def test_a_login_comes_out_of_a_full_name(full_name: str, login: str) -> None:
    assert login_of(full_name) == login


def test_facts_and_plans_go_to_the_window_as_they_are() -> None:
    found = draft(disk("a"), disk("b"))
    report = Report(facts=found.facts, plan=plan_setup(found.answers(), found.facts.state))
    assert Report.model_validate_json(report.model_dump_json(exclude_defaults=True)) == report


def test_the_password_stands_in_no_plan() -> None:
    found = draft(disk("a"), disk("b"))
    plan = plan_setup(found.answers(), found.facts.state)
    assert GIVEN not in Report(plan=plan).model_dump_json()
