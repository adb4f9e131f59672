"""The plan: a function of what is wished and what is there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sigmavault.core.network import Method
from sigmavault.core.setup.answers import parse_answers
from sigmavault.core.setup.journal import Journal, Progress, ended, parse_journal, report
from sigmavault.core.setup.plan import SetupPlan, StepState, plan_setup
from sigmavault.core.setup.state import MachineState, NetworkState

from tests.unit.core.setup.test_answers import ANNA, EVERYTHING, TANK

NEW = MachineState(host_name="sigmavault", time_zone="UTC")
SET_UP = MachineState(
    host_name="attic", time_zone="Europe/Vienna", administrators=frozenset({"anna"}), users={"anna": True},
    network=NetworkState(method=Method.STATIC, port="enp3s0", address="192.168.1.10/24",
                         gateway="192.168.1.1", name_servers=("192.168.1.1",)),
    pools={"tank": frozenset({"ata-A_1", "ata-A_2"})}, shares={"Photos": "tank/photos"},
    datasets=frozenset({"tank", "tank/photos", "tank/models"}),
    model_datasets=frozenset({"tank/models"}), models=frozenset({"qwen3-0.6b"}),
)  # fmt: skip


def plan(state: MachineState = NEW, **changes: Any) -> SetupPlan:
    return plan_setup(parse_answers({**EVERYTHING, **changes}, "answers"), state)


def states(made: SetupPlan) -> dict[str, StepState]:
    return {each.id: each.state for each in made.steps}


def test_the_steps_stand_in_the_order_in_which_they_need_each_other() -> None:
    made = plan()
    assert [each.id for each in made.steps] == [
        "host-name", "user", "administrator", "time-zone", "network", "pool", "dataset:Photos",
        "share:Photos", "dataset:models", "model:qwen3-0.6b",
    ]  # fmt: skip
    seen: set[str] = set()
    for step in made.steps:
        assert set(step.needs) <= seen
        seen.add(step.id)


def test_what_is_there_is_not_done_again() -> None:
    assert set(states(plan(SET_UP)).values()) == {StepState.THERE}
    assert plan(SET_UP).is_settled
    assert plan(SET_UP).confirmation == ""


def test_what_was_left_out_stays_as_it_is() -> None:
    assert plan_setup(parse_answers({}, "answers"), NEW).steps == ()
    only = plan_setup(parse_answers({"host_name": "attic"}, "answers"), NEW)
    assert [each.id for each in only.steps] == ["host-name"]


def test_a_pool_of_other_disks_is_no_pool_of_ours() -> None:
    other = replace(SET_UP, pools={"tank": frozenset({"ata-B_1"})})
    assert plan(other).step("pool").state is StepState.FAILED
    by_serial = replace(SET_UP, serials={"S1": "ata-A_1", "S2": "ata-A_2"})
    assert plan(by_serial, pool={**TANK, "disks": ["S1", "S2"]}).step("pool").state is StepState.THERE
    cut_off = replace(SET_UP, begun_pools=frozenset({"tank"}))
    assert plan(cut_off).step("pool").state is StepState.WAITING, "its making goes on"


def test_a_share_of_another_dataset_is_not_taken_for_ours() -> None:
    other = replace(SET_UP, shares={"photos": "tank/elsewhere"})
    assert plan(other).step("share:Photos").state is StepState.FAILED


def test_a_user_whom_a_power_cut_left_without_a_password_gets_one() -> None:
    step = plan(replace(NEW, users={"anna": False})).step("user")
    assert (step.operation, step.state) == ("user.password", StepState.WAITING)


def test_without_a_password_nobody_is_made_and_whoever_is_there_stays() -> None:
    without = {key: value for key, value in ANNA.items() if key != "password"}
    assert plan(administrator=without).step("user").state is StepState.FAILED
    assert plan(SET_UP, administrator=without).step("administrator").state is StepState.THERE


def test_what_is_lost_has_to_be_typed_and_is_told() -> None:
    made = plan(pool={**TANK, "overwrite": ["ata-A_2"]})
    assert made.confirmation == "tank"
    assert made.losses == (made.step("pool").title,)
    assert made.losing == (made.step("pool"),)
    assert "everything on ata-A_2 is lost" in made.losses[0]
    assert plan(SET_UP, pool={**TANK, "overwrite": ["ata-A_2"]}).confirmation == ""


def test_models_lie_in_a_pool_unless_somebody_agrees_to_the_system_disk() -> None:
    bare: dict[str, Any] = {"pool": None, "shares": []}
    assert plan(**bare).step("model:qwen3-0.6b").state is StepState.FAILED
    agreed = plan(**bare, models_on_system_disk=True)
    assert (agreed.step("model:qwen3-0.6b").state, agreed.step("model:qwen3-0.6b").needs) == (
        StepState.WAITING, ()
    )  # fmt: skip
    there = plan(
        replace(SET_UP, models=frozenset(), datasets=frozenset({"tank"}), model_datasets=frozenset()), **bare
    )
    assert there.step("dataset:models").arguments["name"] == "tank/models"
    elsewhere = plan(replace(NEW, model_datasets=frozenset({"fast/models"})), **bare)
    assert [each.id for each in elsewhere.steps if "model" in each.id] == ["model:qwen3-0.6b"]
    assert elsewhere.step("model:qwen3-0.6b").state is StepState.WAITING


def test_a_step_that_failed_is_lacking_to_those_that_need_it() -> None:
    made = plan()
    broken = made.with_step(made.step("pool").now(StepState.FAILED, "no"))
    assert broken.lacking(broken.step("dataset:Photos")) == broken.step("pool")
    assert broken.lacking(broken.step("administrator")) is None


def test_each_step_can_be_done_by_hand() -> None:
    made = plan(pool={**TANK, "overwrite": ["ata-A_2"]})
    assert (
        made.step("pool").command == "sigmavault pool create tank mirror ata-A_1 ata-A_2 --overwrite ata-A_2"
    )
    assert made.step("share:Photos").command == (
        "sigmavault share create Photos tank/photos --write anna --read @sigmavault-users"
    )
    assert "horse" not in " ".join(each.command for each in made.steps)


def test_a_journal_tells_what_was_done_and_offers_the_assistant_until_it_was() -> None:
    made = plan()
    journal = Journal(answers={"host_name": "attic"}).at(made, "2026-11-22T10:00:00+00:00")
    assert parse_journal(journal.model_dump_json()) == journal
    assert journal.is_asked_for
    assert parse_journal("{broken").progress is Progress.NEVER
    over = SetupPlan(steps=tuple(
        each.now(StepState.FAILED, "no") if each.id == "network" else each.now(StepState.DONE)
        for each in made.steps
    ))  # fmt: skip
    assert ended(over) is Progress.INCOMPLETE
    done, not_done = report(over)
    assert (len(done), not_done) == (9, ("Give enp3s0 the address 192.168.1.10/24: no",))
    assert not journal.at(over, "later", ended(over)).is_asked_for
