"""A run that was cut off is taken up: what was answered is there again, what is there is not asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sigmavault.core.setup.facts import Facts
from sigmavault.core.setup.plan import plan_setup
from sigmavault.core.setup.state import MachineState
from sigmavault.core.storage.topology import Layout
from sigmavault.core.values import TIB
from sigmavault.desktop.setup.draft import Draft
from sigmavault.desktop.setup.resume import resume

from tests.unit.desktop.test_draft import GIVEN, disk, facts

BEFORE: dict[str, Any] = {
    "version": 1, "host_name": "attic", "time_zone": "Europe/Vienna",
    "administrator": {"name": "anna", "full_name": "Anna Gruber"},
    "network": {"method": "static", "port": "enp1s0", "address": "192.168.1.10/24"},
    "pool": {"name": "silo", "layout": "mirror", "disks": ["b", "small"], "uneven_sizes": True},
    "shares": [{"name": "Media", "preset": "media", "everybody": "read"},
               {"name": "Plans", "everybody": "read"}],
    "models": ["tiny"],
}  # fmt: skip
NEW = facts(disk("a"), disk("b"), disk("small", TIB))


def resumed(machine: Facts = NEW, **changes: object) -> Draft:
    found = Draft.of(machine)
    resume(found, {**BEFORE, **changes})
    found.person.password = found.person.repeated = GIVEN
    return found


def test_all_that_was_answered_is_there_again_but_the_password() -> None:
    fresh = Draft.of(NEW)
    resume(fresh, BEFORE)
    assert (fresh.person.name, fresh.person.password) == ("anna", "")
    found = resumed()
    assert (found.pool.name, found.pool.disks, found.pool.layout) == ("silo", ("b", "small"), Layout.MIRROR)
    assert found.network.is_complete
    assert {each.name for each in found.folders if each.is_wanted} == {"Media", "Plans"}
    assert found.everybody == "read"
    assert found.models == {"tiny"}
    assert found.answers().pool is not None


def test_what_is_there_by_now_is_not_asked_for_again() -> None:
    state = MachineState(
        host_name="attic", time_zone="Europe/Vienna", administrators=frozenset({"anna"}),
        users={"anna": True}, pools={"silo": frozenset({"b", "small"})}, models=frozenset({"tiny"}),
    )  # fmt: skip
    found = resumed(facts(disk("a"), state=state))
    assert not found.person.is_wanted
    assert not found.pool.is_wanted
    assert found.models == set()
    steps = plan_setup(found.answers(), state).steps
    assert {each.id for each in steps if not each.state.is_settled} == {
        "network", "dataset:Media", "share:Media", "dataset:Plans", "share:Plans",
    }  # fmt: skip


def test_losing_data_is_agreed_to_anew() -> None:
    used = facts(disk("a"), disk("b", reasons=("has-data",)))
    pool = {"name": "silo", "layout": "mirror", "disks": ["a", "b"], "overwrite": ["b"], "confirm": "silo"}
    found = resumed(used, pool=pool)
    assert found.pool.disks == ("a", "b")
    assert found.pool.confirm == ""
    assert plan_setup(found.answers(), used.state).confirmation == "silo"


def test_disks_that_are_gone_or_in_use_by_now_are_not_chosen() -> None:
    in_use = replace(NEW, disks=(NEW.disks[0], disk("b", reasons=("mounted",)), NEW.disks[2]))
    assert resumed(in_use).pool.name == "tank"


def test_answers_that_make_no_sense_any_more_count_for_nothing() -> None:
    for before in ({}, {"version": 2}, {"unknown": 1}):
        found = Draft.of(NEW)
        resume(found, before)
        assert found == Draft.of(NEW)
