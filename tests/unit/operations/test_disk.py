"""Operations on disks: what they answer, plan and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sigmavault.core.errors import InvalidRequestError, OperationError, UnknownObjectError
from sigmavault.core.operation import NoArguments, Outcome, Risk
from sigmavault.core.operation.arguments import parse
from sigmavault.core.operation.operation import run_steps
from sigmavault.core.storage.smart import Verdict
from sigmavault.operations import registry
from sigmavault.operations.disk.list import ListDisks
from sigmavault.operations.disk.self_test import SelfTestArguments, StartSelfTest
from sigmavault.operations.disk.self_test_abort import AbortSelfTest
from sigmavault.operations.disk.show import DiskArguments, ShowDisk
from sigmavault.operations.disk.wipe import WipeArguments, WipeDisk
from sigmavault.simulated import description
from sigmavault.simulated.description import read_description
from sigmavault.simulated.machine import SimulatedMachine

from tests.unit.operations.scripted import Hands, ScriptedMachine
from tests.unit.system.disk_machine import RECORDED, machine_of

HOME = Path(description.__file__).parent / "machines/home.yaml"
NO_SMART = (RECORDED / "smart_virtio.json").read_text()
BLANK, OTHERS = "WD-WX42D12345EF", "JR1000123457YY"
BY_ID = "/dev/disk/by-id/wwn-0x50014ee2b1234569"


def smart(*, running: bool = False, passed: bool = True, can: bool = True) -> str:
    status = {"value": 0xF9, "remaining_percent": 90} if running else {"value": 0}
    return json.dumps({
        "smart_support": {"available": True, "enabled": True}, "smart_status": {"passed": passed},
        "temperature": {"current": 36}, "power_on_time": {"hours": 77},
        "ata_smart_data": {
            "self_test": {"status": status, "polling_minutes": {"short": 2, "extended": 431}},
            "capabilities": {"self_tests_supported": can},
        },
    })  # fmt: skip


def test_the_operations_on_disks() -> None:
    found = {name: each.risk for name, each in registry.of_noun("disk").items()}
    assert found == {
        "disk.list": Risk.READ, "disk.show": Risk.READ, "disk.self-test": Risk.CHANGE,
        "disk.self-test-abort": Risk.CHANGE, "disk.wipe": Risk.DESTROY,
    }  # fmt: skip


def test_a_list_has_a_row_for_each_disk_and_asks_no_disk(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine")
    rows = {row.path: row for row in ListDisks().read(NoArguments(), machine).disks}
    assert len(rows) == 12
    assert [argv[0] for argv in machine.ran] == ["lsblk"]
    free = rows["/dev/sdh"]
    assert (free.use, free.is_eligible, free.why_not, free.smart) == ("free", True, "", Verdict.UNKNOWN)
    boot = rows["/dev/nvme0n1"]
    assert (boot.use, boot.is_eligible, boot.kind) == ("system", False, "nvme")
    assert rows["/dev/sdc"].use == "exported pool backup"


def test_a_list_remembers_what_show_was_told(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=smart())
    shown = ShowDisk().read(DiskArguments(disk=BLANK), machine)
    assert (shown.health.verdict, shown.health.power_on_hours, shown.temperature_c) == (
        Verdict.PASSED,
        77,
        36,
    )
    assert [argv[0] for argv in machine.ran].count("smartctl") == 1
    (row,) = [row for row in ListDisks().read(NoArguments(), machine).disks if row.serial == BLANK]
    assert (row.smart, row.smart_at) == (Verdict.PASSED, "2026-09-21T14:13:20Z")
    kept = tmp_path / "var/lib/sigmavault/hostd/smart/wwn-0x50014ee2b1234569.json"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_disk_that_cannot_be_asked_is_shown_with_what_it_said_before(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=smart(passed=False))
    ShowDisk().read(DiskArguments(disk=BLANK), machine)
    machine.says = {key: said for key, said in machine.says.items() if key != ("smartctl",)}
    shown = ShowDisk().read(DiskArguments(disk=BLANK), machine)
    assert (shown.health.verdict, shown.health.message) == (Verdict.UNKNOWN, "smartctl is not installed")
    assert shown.last is not None
    assert shown.last.verdict is Verdict.FAILED
    assert [reason.code for reason in shown.against] == ["smart-failed"]


@pytest.mark.parametrize(
    "kept", ["", "[]", "{", '{"verdict": "fine"}', '{"verdict": "passed", "checked_at": "x"}']
)
def test_a_spoilt_memory_is_no_memory(tmp_path: Path, kept: str) -> None:
    machine = machine_of(tmp_path, "machine")
    file = tmp_path / "var/lib/sigmavault/hostd/smart/wwn-0x50014ee2b1234569.json"
    file.parent.mkdir(parents=True)
    file.write_text(kept)
    (row,) = [row for row in ListDisks().read(NoArguments(), machine).disks if row.serial == BLANK]
    assert row.smart is Verdict.UNKNOWN


@pytest.mark.parametrize("name", ["-rf", "../sda", "a b", "a;b", "a\nb", "", "x" * 300, "$(x)", "ü"])
@pytest.mark.parametrize("kind", [DiskArguments, WipeArguments, SelfTestArguments])
def test_what_is_no_name_of_a_disk_is_refused(kind: type[DiskArguments], name: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse(kind, json.dumps({"disk": name}))
    assert caught.value.param == "disk"


# --- wiping ---


def wipe_plan(machine: ScriptedMachine, **arguments: object):
    return WipeDisk().plan(WipeArguments.model_validate(arguments), machine)


def test_a_wipe_says_what_is_lost_and_wants_the_serial_typed(tmp_path: Path) -> None:
    plan = wipe_plan(machine_of(tmp_path, "machine", smartctl=NO_SMART, zpool=""), disk=OTHERS)
    assert plan.confirmation == OTHERS
    assert plan.losses[0] == "All data on wwn-0x5000cca25d123457 (HGST HUS724020ALA640, 1.82 TiB)"
    assert [target.identity for target in plan.targets] == [OTHERS]
    assert plan.locks == (f"disk:{OTHERS}",)
    assert plan.steps[0].argv == ("wipefs", "--all", "--", "/dev/disk/by-id/wwn-0x5000cca25d123457")
    assert not any("/dev/sd" in word for step in plan.steps for word in step.argv)


def test_the_same_state_gives_the_same_plan_and_other_data_another(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "vm", smartctl=NO_SMART)
    first = wipe_plan(machine, disk="K06")
    assert first.digest() == wipe_plan(machine, disk="K06").digest()
    machine.says = {**machine.says, ("wipefs", "--json"): ""}
    assert first.digest() != wipe_plan(machine, disk="K06").digest()


def test_of_two_disks_with_one_serial_the_name_is_typed(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "vm", smartctl=NO_SMART)
    with pytest.raises(OperationError, match="another disk has"):
        wipe_plan(machine, disk="wwn-0x5000c50015ea71ac")
    plan = wipe_plan(machine, disk="wwn-0x5000c50015ea71ac", same_serial=True)
    assert plan.confirmation == "wwn-0x5000c50015ea71ac"


@pytest.mark.parametrize(
    ("disk", "words"),
    [
        ("SYSTEM", "this machine runs from"), ("K01", "is mounted at /srv/photos"), ("K02", "in use as swap"),
        ("K03", "in use by LVM"), ("K05", "software RAID"), ("K07", "opened encrypted volume"),
        ("RO1", "is read-only"), ("STICK1", "removable"),
    ],
)  # fmt: skip
def test_what_is_in_use_is_not_wiped(tmp_path: Path, disk: str, words: str) -> None:
    with pytest.raises(OperationError, match=words):
        wipe_plan(machine_of(tmp_path, "vm", smartctl=NO_SMART), disk=disk)


def test_a_disk_that_is_not_there_is_not_wiped(tmp_path: Path) -> None:
    with pytest.raises(UnknownObjectError):
        wipe_plan(machine_of(tmp_path, "vm", smartctl=NO_SMART), disk="sdb")


def test_on_a_simulated_machine_nothing_is_written(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=NO_SMART, udevadm="")
    machine.is_simulated = True
    machine.says = {**machine.says, ("wipefs", "--all"): ""}
    arguments, hands = WipeArguments(disk=OTHERS, full=True), Hands()
    plan = WipeDisk().plan(arguments, machine)
    assert WipeDisk().apply(arguments, plan, machine, hands).serial == OTHERS
    assert ("wipefs", "--all", "--", "/dev/disk/by-id/wwn-0x5000cca25d123457") in machine.ran
    assert not (tmp_path / "dev/sdg").exists()


def test_a_disk_on_which_something_is_left_was_not_wiped(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "vm", smartctl=NO_SMART, udevadm="")
    machine.is_simulated = True
    machine.says = {**machine.says, ("wipefs", "--all"): ""}
    arguments = WipeArguments(disk="K06")
    plan = WipeDisk().plan(arguments, machine)
    with pytest.raises(OperationError, match="still has crypto_LUKS on vdg"):
        WipeDisk().apply(arguments, plan, machine, Hands())
    assert WipeDisk().outcome(arguments, plan, machine) is Outcome.FAILED


# --- self-tests ---


@pytest.mark.parametrize(("length", "minutes"), [("short", 2), ("long", 431)])
def test_a_self_test_is_started(tmp_path: Path, length: str, minutes: int) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=smart())
    plan = StartSelfTest().plan(
        parse(SelfTestArguments, json.dumps({"disk": BLANK, "length": length})), machine
    )
    assert plan.steps[0].argv == ("smartctl", f"--test={length}", "--", BY_ID)
    assert f"about {minutes} minutes" in plan.summary
    assert plan.confirmation == ""


def test_a_running_self_test_is_not_broken_off_by_a_second(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=smart(running=True))
    with pytest.raises(OperationError, match="tests itself already, 90 % are left"):
        StartSelfTest().plan(SelfTestArguments(disk=BLANK), machine)


@pytest.mark.parametrize(
    ("said", "words"), [(NO_SMART, "it has no SMART"), (smart(can=False), "does not offer it")]
)
def test_a_disk_that_cannot_test_itself_is_told(tmp_path: Path, said: str, words: str) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=said)
    with pytest.raises(OperationError, match=words):
        StartSelfTest().plan(SelfTestArguments(disk=BLANK), machine)


def test_a_self_test_is_ended_where_one_runs(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "machine", smartctl=smart(running=True))
    plan = AbortSelfTest().plan(DiskArguments(disk=BLANK), machine)
    assert plan.steps[0].argv == ("smartctl", "--abort", "--", BY_ID)
    assert AbortSelfTest().outcome(DiskArguments(disk=BLANK), plan, machine) is Outcome.FAILED
    machine.says = {**machine.says, ("smartctl",): smart()}
    assert AbortSelfTest().outcome(DiskArguments(disk=BLANK), plan, machine) is Outcome.FINISHED
    with pytest.raises(OperationError, match="runs no self-test"):
        AbortSelfTest().plan(DiskArguments(disk=BLANK), machine)


def test_a_simulated_disk_is_wiped_and_tests_itself() -> None:
    simulated = SimulatedMachine(read_description(HOME))
    try:
        rows = {row.use: row for row in ListDisks().read(NoArguments(), simulated).disks}
        arguments = WipeArguments(disk=rows["exported pool oldnas"].serial)
        plan = WipeDisk().plan(arguments, simulated)
        assert WipeDisk().apply(arguments, plan, simulated, Hands()).use == "free"
        plan = StartSelfTest().plan(SelfTestArguments(disk=arguments.disk), simulated)
        run_steps(plan.steps, simulated, Hands())
    finally:
        simulated.close()
