"""Services of the list, reboot and shutdown: plans and what they rest on."""

from __future__ import annotations

from pathlib import Path

import pytest
from sigmavault.core.errors import InvalidRequestError, OperationError
from sigmavault.core.operation import NoArguments, Outcome
from sigmavault.core.operation.arguments import parse
from sigmavault.core.power import Power, Scheduled, parse_scheduled
from sigmavault.core.units import UNITS, Service
from sigmavault.operations.machine.cancel_shutdown import CancelShutdown
from sigmavault.operations.machine.powering import DelayArguments
from sigmavault.operations.machine.reboot import Reboot
from sigmavault.operations.machine.shutdown import ShutDown
from sigmavault.operations.service.list import ListServices
from sigmavault.operations.service.restart import RestartArguments, RestartService

from tests.unit.operations.scripted import Hands, ScriptedMachine

# `systemctl show` of a running Debian 13, shortened to what is asked
SMBD = """\
Id=smbd.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
InvocationID=0f3c3de2a1f14f7eb5dd01b2a2f3a5ac
NRestarts=0
ActiveEnterTimestamp=Sun 2026-11-22 14:00:01 UTC
MemoryCurrent=23891968
"""
NO_NFS = "\nId=nfs-server.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n"
NOTHING = '{"type":"(st)","data":["",0]}'
REBOOT = '{"type":"(st)","data":["reboot",1790000000000000]}'


def machine(
    show: str = SMBD + NO_NFS, planned: str = NOTHING, root: Path = Path("/nonexistent")
) -> ScriptedMachine:
    says = {("systemctl", "show"): show, ("busctl",): planned, ("shutdown",): ""}
    return ScriptedMachine(root=root, says=says)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "proc/sys/kernel/random").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/random/boot_id").write_text("boot-1\n")
    return tmp_path


def test_one_process_tells_of_all_services_and_what_is_not_told_is_not_made_up() -> None:
    there = machine()
    found = {each.service: each for each in ListServices().read(NoArguments(), there).services}
    assert len(there.ran) == 1
    assert set(found) == set(Service) == set(UNITS)
    smb = found[Service.SMB]
    assert (smb.state, smb.enabled, smb.memory_bytes) == ("active", True, 23891968)
    assert smb.since == "2026-11-22T14:00:01Z"
    assert found[Service.NFS].state == "not-installed"
    assert found[Service.SSH].state == "not-installed"
    assert found[Service.NFS].memory_bytes is None


def test_a_restart_names_the_run_that_ends_and_whom_it_disturbs() -> None:
    there = machine()
    plan = RestartService().plan(RestartArguments(service=Service.SMB), there)
    assert plan.steps[0].argv == ("systemctl", "restart", "--", "smbd.service")
    assert "disconnected" in plan.warnings[0]
    other = RestartService().plan(
        RestartArguments(service=Service.SMB), machine(SMBD.replace("0f3c", "ffff"))
    )
    assert other.digest() != plan.digest()


def test_a_service_that_is_not_there_cannot_be_restarted() -> None:
    with pytest.raises(OperationError, match="nfs is not installed"):
        RestartService().plan(RestartArguments(service=Service.NFS), machine())


def test_only_services_of_the_list_can_be_named() -> None:
    with pytest.raises(InvalidRequestError, match="service: must be"):
        parse(RestartArguments, '{"service": "sigmavault-hostd"}')


def test_a_restart_that_nobody_saw_is_told_by_the_run_that_is_there() -> None:
    asked = RestartArguments(service=Service.SMB)
    plan = RestartService().plan(asked, machine())
    assert RestartService().outcome(asked, plan, machine()) is Outcome.FAILED
    assert RestartService().outcome(asked, plan, machine(SMBD.replace("0f3c", "ffff"))) is Outcome.FINISHED
    dead = SMBD.replace("0f3c", "ffff").replace("=active", "=failed")
    assert RestartService().outcome(asked, plan, machine(dead)) is Outcome.UNKNOWN


def test_a_shutdown_is_planned_with_its_delay_and_told_to_everybody(root: Path) -> None:
    plan = ShutDown().plan(DelayArguments(delay_minutes=5), machine(root=root))
    assert plan.steps[0].argv == ("shutdown", "--poweroff", "+5")
    there = machine(root=root)
    ShutDown().apply(DelayArguments(delay_minutes=5), plan, there, Hands())
    assert there.ran == [("shutdown", "--poweroff", "+5")]


def test_a_second_shutdown_is_refused_while_one_is_planned(root: Path) -> None:
    with pytest.raises(OperationError, match="reboot is planned already, at 2026-09-21T"):
        Reboot().plan(DelayArguments(), machine(planned=REBOOT, root=root))


def test_after_a_reboot_the_reboot_is_finished(root: Path) -> None:
    plan = Reboot().plan(DelayArguments(), machine(root=root))
    assert Reboot().outcome(DelayArguments(), plan, machine(root=root)) is Outcome.FAILED
    assert Reboot().outcome(DelayArguments(), plan, machine(planned=REBOOT, root=root)) is Outcome.FINISHED
    (root / "proc/sys/kernel/random/boot_id").write_text("boot-2\n")
    assert Reboot().outcome(DelayArguments(), plan, machine(root=root)) is Outcome.FINISHED


def test_what_is_not_planned_cannot_be_cancelled(root: Path) -> None:
    with pytest.raises(OperationError, match="no reboot and no shutdown"):
        CancelShutdown().plan(NoArguments(), machine(root=root))
    plan = CancelShutdown().plan(NoArguments(), machine(planned=REBOOT, root=root))
    assert plan.facts["power"] == "reboot"


def test_what_logind_tells_is_read_with_care(root: Path) -> None:
    assert parse_scheduled(NOTHING) is None
    assert parse_scheduled(REBOOT) == Scheduled(power=Power.REBOOT, at="2026-09-21T14:13:20Z")
    for odd in ("", "[]", '{"data": 5}', '{"data": ["reboot", "x"]}'):
        with pytest.raises(OperationError, match="logind told"):
            CancelShutdown().plan(NoArguments(), machine(planned=odd, root=root))
