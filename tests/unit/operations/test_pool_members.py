"""What is done to the disks of a pool that is there, and to a pool as a whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.errors import (
    CommandTimeoutError,
    InvalidRequestError,
    OperationError,
    UnknownObjectError,
)
from sigmavault.core.operation import Outcome, Plan, Risk
from sigmavault.core.operation.arguments import parse
from sigmavault.operations import registry

from tests.unit.operations.pool_machine import BIG, BLANK, STATUS, machine_of, status_of
from tests.unit.operations.scripted import Hands, ScriptedMachine
from tests.unit.operations.zfs_list import datasets_of


def plan_of(machine: ScriptedMachine, verb: str, **arguments: Any) -> Plan:
    operation = registry.find(f"pool.{verb}")()
    given = parse(operation.arguments_type(), json.dumps(arguments))
    plan = operation.plan(given, machine)  # type: ignore[attr-defined]
    assert isinstance(plan, Plan)
    assert plan.digest() == operation.plan(given, machine).digest()  # type: ignore[attr-defined]
    return plan


def outcome_of(machine: ScriptedMachine, plan: Plan) -> Outcome:
    operation = registry.find(plan.operation)()
    given = parse(operation.arguments_type(), json.dumps(plan.arguments))
    found = operation.outcome(given, plan, machine)  # type: ignore[attr-defined]
    assert isinstance(found, Outcome)
    return found


def now(machine: ScriptedMachine, state: str) -> None:
    machine.says = {**machine.says, STATUS: status_of(state)}


def argv(plan: Plan) -> str:
    return " ".join(plan.steps[-1].argv).replace("/dev/disk/by-id/virtio-", "")


P09, P10, P11 = "15990589147161127061", "14200111664552205937", "6391539515476715699"


def test_the_operations_on_pools() -> None:
    found = {name.removeprefix("pool."): each.risk for name, each in registry.of_noun("pool").items()}
    changes = (
        "add", "attach", "clear", "create", "detach", "export", "import", "offline", "online", "replace",
        "scrub",
    )  # fmt: skip
    reads = {"list": Risk.READ, "show": Risk.READ, "importable": Risk.READ}
    assert found == dict.fromkeys(changes, Risk.CHANGE) | reads | {"destroy": Risk.DESTROY}


@pytest.mark.parametrize("name", ["virtio-P10", "P10", P10])
def test_a_disk_is_known_by_name_serial_and_guid(tmp_path: Path, name: str) -> None:
    plan = plan_of(machine_of(tmp_path, "degraded_and_spare"), "replace", name="b", disk=name, new=BLANK[0])
    assert argv(plan) == f"zpool replace -- b {P10} P20"


def test_a_disk_of_another_pool_is_no_disk_of_this_one(tmp_path: Path) -> None:
    with pytest.raises(UnknownObjectError, match="P01 is no disk of the pool b"):
        plan_of(machine_of(tmp_path, "all_classes"), "offline", name="b", disk="P01")
    with pytest.raises(UnknownObjectError, match="no imported pool 'c'"):
        plan_of(machine_of(tmp_path / "2", "all_classes"), "scrub", name="c")


def test_the_last_redundancy_goes_only_when_that_was_said(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "all_classes")
    with pytest.raises(OperationError, match="the next disk of its group"):
        plan_of(machine, "offline", name="b", disk="P09")
    plan = plan_of(machine, "offline", name="b", disk="P09", no_redundancy=True)
    assert argv(plan) == f"zpool offline -- b {P09}"
    assert len(plan.warnings) == 1
    assert outcome_of(machine, plan) is Outcome.FAILED
    now(machine, "offline")
    assert outcome_of(machine, plan) is Outcome.FINISHED
    now(machine, "no_pools")
    assert outcome_of(machine, plan) is Outcome.UNKNOWN


@pytest.mark.parametrize("said", [False, True])
def test_data_never_goes_missing(tmp_path: Path, said: bool) -> None:
    machine = machine_of(tmp_path, "degraded_and_spare")
    with pytest.raises(OperationError, match="would be missing"):
        plan_of(machine, "offline", name="b", disk="P09", no_redundancy=said)


def test_only_a_mirror_lets_a_disk_go(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "all_classes")
    with pytest.raises(OperationError, match="a raidz1 group"):
        plan_of(machine, "detach", name="b", disk="P09", no_redundancy=True)
    plan = plan_of(machine, "detach", name="a", disk="P02", no_redundancy=True)
    assert argv(plan) == "zpool detach -- a 6176661082815490469"
    spare = plan_of(machine_of(tmp_path / "2", "degraded_and_spare"), "detach", name="a", disk="P01")
    assert spare.warnings == ()


def test_what_is_out_of_use_comes_back(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "offline")
    plan = plan_of(machine, "online", name="b", disk="P09")
    # a whole disk by its path: zpool opens it to see whether it has grown, and cannot open a GUID
    assert plan.steps[-1].argv == ("zpool", "online", "--", "b", "/dev/disk/by-id/virtio-P09")
    assert outcome_of(machine, plan) is Outcome.FAILED
    now(machine, "scrubbed")
    assert outcome_of(machine, plan) is Outcome.FINISHED
    with pytest.raises(OperationError, match="in use already"):
        plan_of(machine_of(tmp_path / "2", "scrubbed"), "online", name="b", disk="P09")


def test_a_replacement_is_free_and_large_enough(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "all_classes")
    with pytest.raises(OperationError, match="imported pool a"):
        plan_of(machine, "replace", name="b", disk="P09", new="P01", overwrite=["P01"])
    with pytest.raises(OperationError, match="too small"):
        plan_of(machine, "replace", name="b", disk="P09", new="SMALL1")
    plan = plan_of(machine, "replace", name="b", disk="P09", new=BIG)
    assert plan.locks == ("pool:b", f"disk:{BIG}")
    assert any("leave virtio-P09 plugged in" in said for said in plan.warnings)
    assert outcome_of(machine, plan) is Outcome.FAILED


def test_what_is_being_replaced_is_not_replaced_again(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="being replaced already"):
        plan_of(machine_of(tmp_path, "resilvering"), "replace", name="b", disk="P10", new=BLANK[0])


@pytest.mark.parametrize(
    ("disk", "why"), [("P09", "raidz1 group"), ("P08", "spare disk"), ("P05", "cache disk")]
)
def test_what_cannot_be_mirrored(tmp_path: Path, disk: str, why: str) -> None:
    pool = "b" if disk == "P09" else "a"
    with pytest.raises(OperationError, match=why):
        plan_of(machine_of(tmp_path, "all_classes"), "attach", name=pool, disk=disk, new=BLANK[0])


def test_a_mirror_becomes_wider(tmp_path: Path) -> None:
    plan = plan_of(machine_of(tmp_path, "all_classes"), "attach", name="a", disk="P01", new=BLANK[0])
    assert argv(plan) == "zpool attach -- a 17298532706834545134 P20"


@pytest.mark.parametrize(
    ("pool", "role", "disks", "words"),
    [
        ("b", "data", BLANK[:3], "raidz1 P20 P21 P22"),
        ("a", "data", BLANK[:4], "mirror P20 P21 mirror P22 P23"),
        ("b", "spare", BLANK[:1], "spare P20"), ("b", "log", BLANK[:2], "log mirror P20 P21"),
        ("b", "cache", BLANK[:2], "cache P20 P21"), ("b", "special", BLANK[:2], "special mirror P20 P21"),
    ],
)  # fmt: skip
def test_what_is_added_is_like_what_is_there(
    tmp_path: Path, pool: str, role: str, disks: tuple[str, ...], words: str
) -> None:
    plan = plan_of(machine_of(tmp_path, "all_classes"), "add", name=pool, role=role, disks=disks)
    assert argv(plan) == f"zpool add -o ashift=12 -- {pool} {words}"
    assert plan.dry_run == "would update\n"
    assert (role in {"data", "special"}) == any("added now" in said for said in plan.warnings)


@pytest.mark.parametrize(
    ("pool", "role", "disks", "param"),
    [
        ("b", "data", BLANK[:2], "disks"),
        ("a", "data", BLANK[:3], "disks"),
        ("b", "special", BLANK[:1], "special"),
        ("b", "dedup", BLANK[:2], "role"),
    ],
)
def test_what_does_not_fit_the_pool_is_refused(
    tmp_path: Path, pool: str, role: str, disks: tuple[str, ...], param: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        plan_of(machine_of(tmp_path, "all_classes"), "add", name=pool, role=role, disks=disks)
    assert caught.value.param == param


def test_a_second_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="has a log already"):
        plan_of(machine_of(tmp_path, "all_classes"), "add", name="a", role="log", disks=BLANK[:2])


@pytest.mark.parametrize(
    ("state", "order", "why"),
    [
        ("scrubbed", "pause", "no scrub"), ("scrubbed", "stop", "no scrub"),
        ("resilvering", "start", "resilver"), ("resilvering", "stop", "resilver"),
        ("suspended", "start", "SUSPENDED"), ("scrub_paused", "pause", "no scrub"),
    ],
)  # fmt: skip
def test_a_scrub_that_makes_no_sense_is_refused(tmp_path: Path, state: str, order: str, why: str) -> None:
    with pytest.raises(OperationError, match=why):
        plan_of(machine_of(tmp_path, state), "scrub", name="b", order=order)


def test_a_scrub_is_told_from_the_one_before(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "scrubbed")
    plan = plan_of(machine, "scrub", name="b")
    assert argv(plan) == "zpool scrub -- b"
    assert outcome_of(machine, plan) is Outcome.FAILED
    now(machine, "scrub_paused")
    assert outcome_of(machine, plan) is Outcome.FINISHED
    assert argv(plan_of(machine, "scrub", name="b", order="stop")) == "zpool scrub -s -- b"


def test_a_suspended_pool_can_only_be_cleared(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "suspended")
    plan = plan_of(machine, "clear", name="b")
    assert argv(plan) == "zpool clear -- b"
    assert outcome_of(machine, plan) is Outcome.FAILED
    for verb, more in (("offline", {"disk": "P09"}), ("replace", {"disk": "P09", "new": BLANK[0]})):
        with pytest.raises(OperationError, match="SUSPENDED"):
            plan_of(machine, verb, name="b", **more)
    for verb in ("export", "destroy"):
        with pytest.raises(OperationError, match="does not let go"):
            plan_of(machine, verb, name="b")


def test_zfs_that_does_not_answer_is_told_with_the_pool_that_is_stuck(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "suspended")
    machine.says = {**machine.says, STATUS: CommandTimeoutError(("zpool",), 20)}
    state = tmp_path / "proc/spl/kstat/zfs/b/state"
    state.parent.mkdir(parents=True)
    state.write_text("SUSPENDED\n")
    with pytest.raises(OperationError, match="did not answer within 20 s; suspended: b"):
        plan_of(machine, "scrub", name="b")


# --- letting go of pools ---


def with_datasets(machine: ScriptedMachine, *mounted: str) -> None:
    said = datasets_of({name: f"/srv/{name}" for name in mounted})
    machine.says = {**machine.says, ("zfs",): said, ("zpool", "export"): "", ("zpool", "destroy"): ""}


def holds(root: Path, pid: int, path: str) -> None:
    folder = root / f"proc/{pid}"
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text("smbd\n")
    (folder / "fd/3").symlink_to(path)


def test_what_is_in_use_is_not_exported(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "scrubbed")
    with_datasets(machine, "b", "b/photos")
    holds(tmp_path, 300, "/srv/bees")
    plan = plan_of(machine, "export", name="b")
    assert argv(plan) == "zpool export -- b"
    assert plan.warnings == ("/srv/b, /srv/b/photos will be gone for everybody",)
    holds(tmp_path, 301, "/srv/b/photos/1.jpg")
    with pytest.raises(OperationError, match=r"b is in use by smbd \(301: /srv/b/photos/1.jpg\)"):
        plan_of(machine, "export", name="b")


def test_a_pool_is_destroyed_with_its_name_typed(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "scrubbed")
    with_datasets(machine, "b", "b/photos")
    plan = plan_of(machine, "destroy", name="b")
    assert plan.confirmation == "b"
    assert plan.losses[0] == "all data of b: 1 datasets below it: b/photos"
    assert [target.identity for target in plan.targets] == ["694129319860268957", "P09", "P10", "P11"]
    assert any("zpool import -D" in said for said in plan.warnings)
    assert outcome_of(machine, plan) is Outcome.FAILED
    now(machine, "no_pools")
    assert outcome_of(machine, plan) is Outcome.FINISHED


def test_another_pool_of_the_name_is_not_destroyed(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "scrubbed")
    with_datasets(machine, "b")
    plan = plan_of(machine, "destroy", name="b")
    raw = json.loads(str(status_of("scrubbed")(("zpool",), "")))
    raw["pools"]["b"]["pool_guid"] = 5
    machine.says = {**machine.says, STATUS: json.dumps(raw)}
    operation = registry.find("pool.destroy")()
    with pytest.raises(OperationError, match="nothing was done"):
        operation.apply(parse(operation.arguments_type(), '{"name": "b"}'), plan, machine, Hands())  # type: ignore[attr-defined]
    assert ("zpool", "destroy", "--", "b") not in machine.ran
    assert outcome_of(machine, plan) is Outcome.UNKNOWN


def test_a_disk_that_zfs_misses_at_first_is_brought_back_at_the_second_try(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "offline")
    plan = plan_of(machine, "online", name="b", disk="P09")
    tries: list[str] = []

    def bring_back(argv: Sequence[str], _stdin: str) -> str:
        tries.append(argv[-1])
        if len(tries) == 2:
            now(machine, "scrubbed")
        return ""

    machine.says = {**machine.says, ("zpool", "online"): bring_back}
    operation = registry.find("pool.online")()
    given = parse(operation.arguments_type(), json.dumps(plan.arguments))
    operation.apply(given, plan, machine, Hands())  # type: ignore[attr-defined]
    assert tries == ["/dev/disk/by-id/virtio-P09"] * 2
