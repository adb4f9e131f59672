"""`pool.create`: what it plans, refuses, and does when it fails half-way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.errors import (
    CommandError,
    CommandTimeoutError,
    InvalidRequestError,
    OperationError,
    OutcomeUnknownError,
    UnknownObjectError,
    ZfsMissingError,
)
from sigmavault.core.operation import Outcome, Plan
from sigmavault.core.operation.arguments import parse
from sigmavault.operations.pool.create import CreateArguments, CreatePool

from tests.unit.core.storage.pool_states import text_of
from tests.unit.operations.pool_machine import BIG, BLANK, DATA, SMALL, STATUS, machine_of, status_of
from tests.unit.operations.scripted import Hands, ScriptedMachine
from tests.unit.operations.zfs_list import datasets_of


def asked(layout: str, *disks: str, **more: Any) -> CreateArguments:
    return parse(CreateArguments, json.dumps({"name": "tank", "layout": layout, "disks": list(disks)} | more))


def plan_of(machine: ScriptedMachine, layout: str, *disks: str, **more: Any) -> Plan:
    return CreatePool().plan(asked(layout, *disks, **more), machine)


def words(plan: Plan) -> str:
    return " ".join(plan.steps[-1].argv).replace("/dev/disk/by-id/virtio-", "")


def test_a_plan_names_the_exact_command_and_every_disk(tmp_path: Path) -> None:
    plan = plan_of(machine_of(tmp_path), "mirror", *BLANK[:2])
    assert words(plan) == (
        "zpool create -o ashift=12 -o compatibility=openzfs-2.3 -o autoexpand=on -o failmode=continue "
        "-o autotrim=off -O compression=lz4 -O atime=off -O xattr=sa -O acltype=posix -O dnodesize=auto "
        "-O mountpoint=/srv/tank -- tank mirror P20 P21"
    )
    assert [(target.kind, target.identity) for target in plan.targets] == [
        ("pool", "new"), ("disk", "P20"), ("disk", "P21"),
    ]  # fmt: skip
    assert plan.locks == ("pool:tank", "disk:P20", "disk:P21")
    assert (plan.losses, plan.confirmation, plan.dry_run) == ((), "", "would create\n")


def test_the_same_state_gives_the_same_plan(tmp_path: Path) -> None:
    machine = machine_of(tmp_path)
    first = plan_of(machine, "raidz1", *BLANK[:3])
    assert first.digest() == plan_of(machine, "raidz1", *BLANK[:3]).digest()
    (tmp_path / "dev/disk/by-id/virtio-P22").unlink()
    with pytest.raises((UnknownObjectError, OperationError)):
        plan_of(machine, "raidz1", *BLANK[:3])


def test_planning_writes_nothing(tmp_path: Path) -> None:
    machine = machine_of(tmp_path)
    plan_of(machine, "mirror", *BLANK[:2])
    assert all(argv[:2] != ("zpool", "create") or "-n" in argv for argv in machine.ran)
    assert {argv[0] for argv in machine.ran} == {"zpool", "lsblk", "wipefs", "smartctl"}


def test_all_uses_of_disks_at_once(tmp_path: Path) -> None:
    plan = plan_of(
        machine_of(tmp_path), "mirror", *BLANK[:4], vdevs=2, special=list(BLANK[4:6]), log=[BLANK[6]],
        cache=[BLANK[7]], spare=[BLANK[8]],
    )  # fmt: skip
    assert words(plan).endswith(
        "tank mirror P20 P21 mirror P22 P23 special mirror P24 P25 log P26 cache P27 spare P28"
    )
    assert any("log is on one disk" in said for said in plan.warnings)


@pytest.mark.parametrize(
    ("layout", "disks", "more", "param"),
    [
        ("stripe", BLANK[:1], {}, "no_redundancy"), ("stripe", BLANK[:3], {}, "no_redundancy"),
        ("mirror", BLANK[:1], {}, "disks"), ("raidz1", BLANK[:2], {}, "disks"),
        ("raidz2", BLANK[:3], {}, "disks"), ("raidz3", BLANK[:4], {}, "disks"),
        ("mirror", BLANK[:5], {"vdevs": 2}, "vdevs"), ("mirror", [BLANK[0], BIG], {}, "uneven_sizes"),
        ("mirror", BLANK[:2], {"special": [BLANK[2]]}, "special"),
        ("mirror", [BLANK[0], BLANK[0]], {}, "disks"), ("mirror", BLANK[:2], {"spare": [BLANK[0]]}, "disks"),
        ("mirror", BLANK[:2], {"overwrite": [BLANK[5]]}, "overwrite"),
    ],
)  # fmt: skip
def test_what_makes_no_good_pool_is_refused(
    tmp_path: Path, layout: str, disks: Sequence[str], more: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        plan_of(machine_of(tmp_path), layout, *disks, **more)
    assert caught.value.param == param


def test_no_redundancy_has_to_be_said(tmp_path: Path) -> None:
    plan = plan_of(machine_of(tmp_path), "stripe", BLANK[0], no_redundancy=True)
    assert words(plan).endswith("-- tank P20")
    assert any("no redundancy" in said for said in plan.warnings)


def test_uneven_disks_are_forced_only_when_that_was_said(tmp_path: Path) -> None:
    plan = plan_of(machine_of(tmp_path), "mirror", BLANK[0], BIG, uneven_sizes=True)
    assert words(plan).startswith("zpool create -f -o ashift=12")
    assert any("stay unused" in said for said in plan.warnings)
    assert "-f" not in plan_of(machine_of(tmp_path / "2"), "mirror", *BLANK[:2]).steps[-1].argv


def test_a_disk_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="too small"):
        plan_of(machine_of(tmp_path), "mirror", BLANK[0], SMALL)


def test_data_is_lost_only_when_the_disk_was_named(tmp_path: Path) -> None:
    machine = machine_of(tmp_path)
    with pytest.raises(OperationError, match="has data: ext4"):
        plan_of(machine, "mirror", BLANK[0], DATA)
    plan = plan_of(machine, "mirror", BLANK[0], DATA, overwrite=[DATA])
    assert plan.losses == ("virtio-EXT4: ext4 “photos” on vdam1",)
    assert plan.confirmation == "tank"
    assert plan.steps[0].argv == ("wipefs", "--all", "--", "/dev/disk/by-id/virtio-EXT4")
    assert "-f" not in plan.steps[-1].argv


def test_a_disk_of_a_pool_is_never_taken(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "all_classes")
    with pytest.raises(OperationError, match="imported pool b"):
        plan_of(machine, "mirror", BLANK[0], "P09", overwrite=["P09"])


def test_names_and_places_that_are_taken(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "all_classes")
    with pytest.raises(InvalidRequestError, match="there is a pool b already"):
        CreatePool().plan(asked("mirror", *BLANK[:2]).model_copy(update={"name": "b"}), machine)
    (tmp_path / "srv/tank").mkdir(parents=True)
    plan_of(machine, "mirror", *BLANK[:2])
    (tmp_path / "srv/tank/file").touch()
    with pytest.raises(OperationError, match="something is there already"):
        plan_of(machine, "mirror", *BLANK[:2])


def test_what_zfs_refuses_is_passed_on(tmp_path: Path) -> None:
    error = CommandError(("zpool",), 1, "invalid vdev specification\nuse '-f' to override\nis in use\n")
    machine = machine_of(tmp_path)
    machine.says = {**machine.says, ("zpool", "create", "-n"): error}
    with pytest.raises(OperationError, match="ZFS refuses: invalid vdev specification is in use"):
        plan_of(machine, "mirror", *BLANK[:2])


def test_without_zfs_it_says_so(tmp_path: Path) -> None:
    machine = machine_of(tmp_path)
    (tmp_path / "sys/module/zfs").rmdir()
    with pytest.raises(ZfsMissingError):
        plan_of(machine, "mirror", *BLANK[:2])


# --- doing it ---


def made(machine: ScriptedMachine, end: str | CommandError = "") -> None:
    """From now on `zpool create` makes the pool `b` of the recorded state, and ends so."""

    def create(argv: Sequence[str], _stdin: str) -> str:
        if "-n" in argv:
            return ""
        machine.says = {**machine.says, STATUS: status_of("scrubbed")}
        if isinstance(end, CommandError):
            raise end
        return end

    machine.says = {each: said for each, said in machine.says.items() if each != ("zpool", "create", "-n")}
    machine.says = {**machine.says, ("zpool", "create"): create, ("zpool", "destroy"): "",
                    ("zfs", "list"): datasets_of({"b": "/srv/b"})}  # fmt: skip


def b_machine(root: Path) -> ScriptedMachine:
    """Its disks are blank, and no pool is there yet."""
    machine = machine_of(root, "scrubbed")
    listed = machine.says["lsblk",]
    assert isinstance(listed, str)
    raw = json.loads(listed)
    for row in raw["blockdevices"]:
        if row["serial"] != DATA:
            row.pop("children", None)
    machine.says = {
        **machine.says, ("lsblk",): json.dumps(raw), ("wipefs", "--json"): "", STATUS: text_of("no_pools"),
    }  # fmt: skip
    return machine


def b_arguments(**more: Any) -> CreateArguments:
    return asked("raidz1", "P09", "P10", "P11", **more).model_copy(update={"name": "b"})


def test_it_is_created_and_answered_as_it_is(tmp_path: Path) -> None:
    machine = b_machine(tmp_path)
    made(machine)
    arguments = b_arguments(encrypted=True)
    plan = CreatePool().plan(arguments, machine)
    assert plan.secrets == ("passphrase",)
    assert "correct horse" not in plan.model_dump_json()
    assert CreatePool().outcome(arguments, plan, machine) is Outcome.FAILED
    answer = CreatePool().apply(arguments, plan, machine, Hands(secrets={"passphrase": "correct horse"}))
    assert (answer.name, answer.state, answer.failures_left) == ("b", "ONLINE", 1)
    assert machine.inputs[machine.ran.index(plan.steps[-1].argv)] == "correct horse"
    assert CreatePool().outcome(arguments, plan, machine) is Outcome.FINISHED


KEYS = "etc/sigmavault/keys"


def test_the_key_of_a_pool_may_lie_on_this_machine(tmp_path: Path) -> None:
    machine = b_machine(tmp_path)
    made(machine)
    arguments = b_arguments(key_file=True)
    plan = CreatePool().plan(arguments, machine)
    assert plan.secrets == ()
    options = "-O encryption=aes-256-gcm -O keyformat=hex -O keylocation=file:///etc/sigmavault/keys/b.key"
    assert f"{options} -- b" in words(plan)
    assert [step.text for step in plan.steps[-2:]] == [f"Make a key in /{KEYS}/b.key", "Create the pool b"]
    assert any("sigmavault key export" in said for said in plan.warnings)
    assert not (tmp_path / KEYS).exists()
    CreatePool().apply(arguments, plan, machine, Hands())
    file = tmp_path / KEYS / "b.key"
    assert (file.stat().st_mode & 0o777, len(file.read_text())) == (0o600, 64)
    assert file.read_text() not in f"{plan} {machine.ran} {machine.inputs}"
    assert CreatePool().outcome(arguments, plan, machine) is Outcome.FINISHED


def test_a_key_stays_as_long_as_something_may_be_encrypted_with_it(tmp_path: Path) -> None:
    machine = b_machine(tmp_path)
    made(machine, CommandError(("zpool", "create"), 1, "cannot mount '/srv/b': Permission denied"))
    arguments = b_arguments(key_file=True)
    plan = CreatePool().plan(arguments, machine)
    with pytest.raises(OperationError, match="taken back"):  # and is still there, as the machine says
        CreatePool().apply(arguments, plan, machine, Hands())
    assert (tmp_path / KEYS / "b.key").exists()


def test_a_key_that_nothing_was_encrypted_with_goes(tmp_path: Path) -> None:
    machine = b_machine(tmp_path)
    arguments = b_arguments(key_file=True)
    plan = CreatePool().plan(arguments, machine)
    machine.says = {**machine.says, plan.steps[-1].argv[:3]: CommandError(("zpool",), 1, "out of space")}
    with pytest.raises(OperationError, match="out of space"):
        CreatePool().apply(arguments, plan, machine, Hands())
    assert list((tmp_path / KEYS).iterdir()) == []


def test_an_old_key_of_that_name_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / KEYS).mkdir(parents=True)
    (tmp_path / KEYS / "b.key").write_text("of an old copy")
    plan = CreatePool().plan(b_arguments(key_file=True, encrypted=True), b_machine(tmp_path))
    assert "keys/b-2.key" in words(plan)
    assert plan.secrets == ()


def test_a_short_passphrase_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    machine = b_machine(tmp_path)
    plan = CreatePool().plan(b_arguments(encrypted=True), machine)
    with pytest.raises(InvalidRequestError, match="8 characters"):
        CreatePool().apply(b_arguments(encrypted=True), plan, machine, Hands(secrets={"passphrase": "short"}))
    assert all("-n" in argv for argv in machine.ran if argv[:2] == ("zpool", "create"))


def test_a_pool_that_was_made_and_not_mounted_is_taken_back(tmp_path: Path) -> None:
    machine = b_machine(tmp_path)
    made(machine, CommandError(("zpool", "create"), 1, "cannot mount '/srv/b': Permission denied"))
    plan = CreatePool().plan(b_arguments(), machine)
    with pytest.raises(OperationError, match=r"Permission denied; what was made was taken back"):
        CreatePool().apply(b_arguments(), plan, machine, Hands())
    assert machine.ran[-1] == ("zpool", "destroy", "--", "b")


def test_a_pool_on_other_disks_is_left_alone(tmp_path: Path) -> None:
    machine = b_machine(tmp_path)
    made(machine, CommandError(("zpool", "create"), 1, "pool already exists"))
    arguments = asked("raidz1", *BLANK[:3]).model_copy(update={"name": "b"})
    plan = CreatePool().plan(arguments, machine)
    with pytest.raises(OperationError, match="left alone"):
        CreatePool().apply(arguments, plan, machine, Hands())
    assert not any(argv[:2] == ("zpool", "destroy") for argv in machine.ran)
    assert CreatePool().outcome(arguments, plan, machine) is Outcome.UNKNOWN


def test_a_lost_reply_is_not_taken_for_a_failure(tmp_path: Path) -> None:
    machine = b_machine(tmp_path)
    made(machine, CommandTimeoutError(("zpool", "create"), 120))
    plan = CreatePool().plan(b_arguments(), machine)
    with pytest.raises(OutcomeUnknownError):
        CreatePool().apply(b_arguments(), plan, machine, Hands())
    assert not any(argv[:2] == ("zpool", "destroy") for argv in machine.ran)


UNAVAILABLE = "one or more devices is currently unavailable"


@pytest.mark.parametrize(
    ("misses", "is_made", "why"),
    [(2, True, UNAVAILABLE), (99, False, UNAVAILABLE), (1, True, "no such pool or dataset")],
)
def test_partitions_that_udev_is_slow_with_are_waited_for(
    tmp_path: Path, misses: int, is_made: bool, why: str
) -> None:
    machine = b_machine(tmp_path)
    tried: list[str] = []

    def create(argv: Sequence[str], stdin: str) -> str:
        tried.append(stdin)
        if len(tried) <= misses:
            raise CommandError(argv, 1, f"cannot create 'b': {why}\n")
        machine.says = {**machine.says, STATUS: status_of("scrubbed")}
        return ""

    arguments = b_arguments(encrypted=True)
    plan = CreatePool().plan(arguments, machine)
    machine.says = {**machine.says, plan.steps[-1].argv[:3]: create}
    hands = Hands(secrets={"passphrase": "correct horse"})
    if is_made:
        assert CreatePool().apply(arguments, plan, machine, hands).name == "b"
    else:
        with pytest.raises(OperationError, match=r"b was not created: .* currently unavailable"):
            CreatePool().apply(arguments, plan, machine, hands)
    assert tried == ["correct horse"] * (misses + 1 if is_made else 5)


def cut_off(machine: ScriptedMachine, places: dict[str, str]) -> None:
    """The pool `b` is there, with these datasets, which `zfs set` gives their place."""

    def finish(argv: Sequence[str], _stdin: str) -> str:
        assert "mountpoint=/srv/b" in argv
        cut_off(machine, {"b": "/srv/b"})
        return ""

    machine.says = {
        **machine.says, STATUS: status_of("scrubbed"), ("zfs", "list"): datasets_of(places),
        ("zfs", "set"): finish,
    }  # fmt: skip


def test_a_pool_whose_making_was_cut_off_is_brought_to_its_end(tmp_path: Path) -> None:
    """The power went after `zpool create` wrote the pool, and before it wrote the properties."""
    machine = b_machine(tmp_path)
    first = CreatePool().plan(b_arguments(), machine)
    cut_off(machine, {"b": "/b"})
    assert CreatePool().outcome(b_arguments(), first, machine) is Outcome.FAILED
    older = first.model_copy(update={"facts": {"key_file": ""}})
    assert CreatePool().outcome(b_arguments(), older, machine) is Outcome.FAILED
    plan = CreatePool().plan(b_arguments(), machine)
    assert plan.steps[0].argv == (
        "zfs", "set", "--", "compression=lz4", "atime=off", "xattr=sa", "acltype=posix", "dnodesize=auto",
        "mountpoint=/srv/b", "b",
    )  # fmt: skip
    assert CreatePool().outcome(b_arguments(), plan, machine) is Outcome.FAILED
    CreatePool().apply(b_arguments(), plan, machine, Hands())
    assert CreatePool().outcome(b_arguments(), plan, machine) is Outcome.FINISHED
    with pytest.raises(InvalidRequestError, match="there is a pool b already"):
        CreatePool().plan(b_arguments(), machine)


@pytest.mark.parametrize("places", [{"b": "/b", "b/photos": "/b/photos"}, {"b": "/tank"}, {"b": ""}])
def test_a_pool_with_something_in_it_was_not_cut_off(tmp_path: Path, places: dict[str, str]) -> None:
    machine = b_machine(tmp_path)
    cut_off(machine, places)
    with pytest.raises(InvalidRequestError, match="there is a pool b already"):
        CreatePool().plan(b_arguments(), machine)
