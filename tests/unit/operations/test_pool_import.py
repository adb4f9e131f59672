"""`pool.import`: one careful step after another, and nothing of this machine is hidden by it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.errors import CommandError, InvalidRequestError, OperationError, UnknownObjectError
from sigmavault.core.operation import NoArguments, Outcome, Plan
from sigmavault.core.operation.arguments import parse
from sigmavault.operations import registry
from sigmavault.operations.pool.importable import ImportablePools

from tests.unit.core.storage.pool_states import RECORDED, text_of
from tests.unit.operations.pool_machine import STATUS, machine_of, status_of
from tests.unit.operations.scripted import Hands, ScriptedMachine
from tests.unit.operations.zfs_list import datasets_of

LABEL = (RECORDED / "label.txt").read_text()
EVIL = "10716193627540242895"


def foreign(root: Path, file: str = "import_foreign.txt", state: str = "no_pools") -> ScriptedMachine:
    machine = machine_of(root, state, zpool_import=(RECORDED / file).read_text(), zdb=LABEL)
    machine.says = {**machine.says, ("zfs", "mount"): "", ("zpool", "export"): "", ("zfs", "inherit"): "",
                    ("zfs", "set"): ""}  # fmt: skip
    return machine


def plan_of(machine: ScriptedMachine, pool: str, **more: Any) -> Plan:
    operation = registry.find("pool.import")()
    plan = operation.plan(_arguments(pool, **more), machine)  # type: ignore[attr-defined]
    assert isinstance(plan, Plan)
    return plan


def apply(machine: ScriptedMachine, plan: Plan) -> Any:
    """With a pool that says where it is mounted, as `imports` has made it."""
    operation = registry.find("pool.import")()
    arguments = parse(operation.arguments_type(), json.dumps(plan.arguments))
    return operation.apply(arguments, plan, machine, Hands())  # type: ignore[attr-defined]


def _arguments(pool: str, **more: Any) -> Any:
    return parse(registry.find("pool.import").arguments_type(), json.dumps({"pool": pool} | more))


def imports(machine: ScriptedMachine, *places: str) -> None:
    """From now on `zpool import GUID` brings the pool `evil`, whose datasets want to be at these places."""

    def run(argv: Sequence[str], _stdin: str) -> str:
        if EVIL not in argv:
            return (RECORDED / "import_foreign.txt").read_text()
        machine.says = {**machine.says, STATUS: status_of("missing")}
        return ""

    mounted = {f"evil/{number}" if number else "evil": place for number, place in enumerate(places)}
    machine.says = {**machine.says, ("zpool", "import"): run, ("zfs", "list"): datasets_of(mounted)}


def command(plan: Plan) -> str:
    return " ".join(plan.steps[0].argv)


def test_a_list_tells_who_used_a_pool_last(tmp_path: Path) -> None:
    machine = foreign(tmp_path)
    rows = {row.name: row for row in ImportablePools().read(NoArguments(), machine).pools}
    assert [argv[0] for argv in machine.ran] == ["zpool", "zdb", "zdb"]
    evil = rows["evil"]
    assert (evil.last_host, evil.is_of_other_host, evil.missing) == ("sigmavault", True, ())
    assert evil.last_written is not None
    assert evil.last_written.startswith("2026-11-22T21:5")


def test_no_pool_and_no_disk_are_no_error(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, zpool_import=CommandError(("zpool",), 1, "no pools available to import"))
    assert ImportablePools().read(NoArguments(), machine).pools == ()


def test_planning_imports_nothing(tmp_path: Path) -> None:
    """`zpool import -F -n` of a pool that is not damaged imports it: seen with ZFS 2.3.9."""
    machine = foreign(tmp_path)
    plan_of(machine, "evil", force=True, rewind="check")
    asked = [argv for argv in machine.ran if argv[:2] == ("zpool", "import")]
    assert all(argv == ("zpool", "import", "-d", "/dev/disk/by-id") for argv in asked)


def test_each_step_of_the_ladder_has_its_own_yes(tmp_path: Path) -> None:
    machine = foreign(tmp_path)
    with pytest.raises(OperationError, match="last used by sigmavault at 2026") as caught:
        plan_of(machine, "evil")
    assert "`force`" in caught.value.hint
    plan = plan_of(machine, "evil", force=True, readonly=True)
    assert command(plan) == f"zpool import -d /dev/disk/by-id -N -o readonly=on -f -- {EVIL}"
    assert any("still uses it" in said for said in plan.warnings)
    assert "-f" not in plan_of(machine, "two").steps[0].argv
    rewound = plan_of(machine, "evil", force=True, rewind="yes")
    assert "-F" in rewound.steps[0].argv
    assert (rewound.confirmation, len(rewound.losses)) == ("evil", 1)
    assert "-X" not in rewound.steps[0].argv


def test_a_missing_log_is_gone_without_only_when_that_was_said(tmp_path: Path) -> None:
    machine = foreign(tmp_path, "import_missing_log.txt")
    with pytest.raises(OperationError, match="log disk of evil is missing"):
        plan_of(machine, "evil")
    plan = plan_of(machine, "evil", missing_log=True)
    assert "-m" in plan.steps[0].argv
    assert any("acknowledged" in said for said in plan.warnings)


def test_what_lacks_disks_is_not_tried(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="it is UNAVAIL"):
        plan_of(foreign(tmp_path, "import_unavail.txt"), "evil")


def test_names_that_are_there_twice_or_not_at_all(tmp_path: Path) -> None:
    text = (RECORDED / "import_foreign.txt").read_text().replace("pool: two", "pool: evil")
    machine = foreign(tmp_path)
    machine.says = {**machine.says, ("zpool", "import"): text}
    with pytest.raises(OperationError, match="2 pools have the name evil"):
        plan_of(machine, "evil")
    assert EVIL in plan_of(machine, EVIL, force=True).steps[0].argv
    with pytest.raises(UnknownObjectError):
        plan_of(machine, "tank")
    with pytest.raises(InvalidRequestError, match="there is a pool evil already"):
        plan_of(foreign(tmp_path / "2", state="missing"), "evil", force=True)


@pytest.mark.parametrize("place", ["/etc/samba", "/", "/home/ann", "/srv/../etc", "/usr", "/srv/full"])
def test_a_pool_that_would_hide_parts_of_this_machine_is_let_go_again(tmp_path: Path, place: str) -> None:
    (tmp_path / "srv/full").mkdir(parents=True)
    (tmp_path / "srv/full/file").touch()
    machine = foreign(tmp_path)
    imports(machine, "/srv/evil", place)
    plan = plan_of(machine, "evil", force=True)
    with pytest.raises(OperationError, match="hide parts of this machine"):
        apply(machine, plan)
    assert machine.ran[-1] == ("zpool", "export", "--", "evil")
    assert not any(argv[:2] == ("zfs", "mount") for argv in machine.ran)


def test_a_pool_of_good_manners_is_mounted(tmp_path: Path) -> None:
    machine = foreign(tmp_path)
    imports(machine, "/srv/evil", "/tank/x", "legacy", "none")
    plan = plan_of(machine, "evil", force=True)
    operation = registry.find("pool.import")()
    assert operation.outcome(_arguments("evil"), plan, machine) is Outcome.FAILED  # type: ignore[attr-defined]
    answer = apply(machine, plan)
    assert answer.pool.guid == EVIL
    assert ("zfs", "mount", "-R", "--", "evil") in machine.ran
    assert operation.outcome(_arguments("evil"), plan, machine) is Outcome.FINISHED  # type: ignore[attr-defined]


def test_a_pool_can_be_moved_to_where_pools_are(tmp_path: Path) -> None:
    machine = foreign(tmp_path)
    imports(machine, "/etc")
    apply(machine, plan_of(machine, "evil", force=True, relocate=True))
    ran = [" ".join(argv) for argv in machine.ran]
    inherit = ran.index("zfs inherit -r mountpoint -- evil")
    assert ran[inherit + 1] == "zfs set -u mountpoint=/srv/evil -- evil"
    assert ran.index("zfs mount -R -- evil") > inherit


def test_a_check_tells_what_zfs_says(tmp_path: Path) -> None:
    machine = foreign(tmp_path)
    plan = plan_of(machine, "evil", force=True, rewind="check")
    assert len(plan.steps) == 1
    said = CommandError(("zpool",), 1, "Would be able to return evil to its state as of Sun Nov 22.")
    machine.says = {**machine.says, ("zpool", "import"): said, STATUS: text_of("no_pools")}
    answer = apply(machine, plan)
    assert (answer.pool, answer.said) == (None, "Would be able to return evil to its state as of Sun Nov 22.")
