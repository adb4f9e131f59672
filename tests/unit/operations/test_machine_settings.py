"""Host name, time zone, address and administrators: what is run, what is refused, how an end is told."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.errors import CommandError, InvalidRequestError, OperationError
from sigmavault.core.network import Method
from sigmavault.core.operation import NoArguments, Outcome
from sigmavault.operations.machine.set_hostname import SetHostName
from sigmavault.operations.machine.set_network import SetNetwork
from sigmavault.operations.machine.set_time_zone import SetTimeZone
from sigmavault.operations.machine.settings import ShowSettings
from sigmavault.operations.user.create import CreateUser
from sigmavault.operations.user.make_administrator import MakeAdministrator
from sigmavault.simulated.machine import SimulatedMachine
from sigmavault.system import settings

from tests.unit.operations.new_machine import SECRETS, do, new_machine
from tests.unit.operations.scripted import Hands, ScriptedMachine

STATIC = {
    "method": "static", "port": "enp3s0", "address": "192.168.1.10/24", "gateway": "192.168.1.1",
    "name_server": ["192.168.1.1"],
}  # fmt: skip


@pytest.fixture
def machine() -> Any:
    with new_machine() as made:
        yield made


def test_a_new_machine_is_told_as_it_is(machine: SimulatedMachine) -> None:
    found = ShowSettings().read(NoArguments(), machine)
    assert (found.host_name, found.time_zone) == ("simulated-new", "UTC")
    assert (found.administrators, found.ports, found.network.method) == ((), ("enp3s0",), Method.DHCP)


def test_name_and_time_zone_are_set(machine: SimulatedMachine) -> None:
    assert do(machine, SetHostName(), name="attic").host_name == "attic"
    assert do(machine, SetTimeZone(), name="Europe/Vienna").time_zone == "Europe/Vienna"
    with pytest.raises(InvalidRequestError, match="knows no time zone Europe/Atlantis"):
        do(machine, SetTimeZone(), name="Europe/Atlantis")


def test_a_service_that_is_not_here_need_not_hear_of_the_name(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group"):
        (tmp_path / "etc" / name).write_text("")
    gone = CommandError(("systemctl",), 5, "Unit wsdd2.service not found.")
    there = ScriptedMachine(root=tmp_path, says={("hostnamectl",): "", ("systemctl",): gone})
    arguments: Any = SetHostName.arguments_type().model_validate({"name": "attic"})
    plan = SetHostName().plan(arguments, there)
    SetHostName().apply(arguments, plan, there, Hands())
    assert [argv[-1] for argv in there.ran] == ["attic", *settings.TELL_NAME]
    broken = ScriptedMachine(root=tmp_path, says={("hostnamectl",): CommandError(("hostnamectl",), 1, "no")})
    with pytest.raises(CommandError):
        SetHostName().apply(arguments, plan, broken, Hands())


def test_a_fixed_address_is_one_file_and_dhcp_is_none(machine: SimulatedMachine) -> None:
    file = machine.root / "etc/systemd/network/10-sigmavault.network"
    found = do(machine, SetNetwork(), **STATIC).network
    assert (found.port, found.address, found.name_servers) == (
        "enp3s0", "192.168.1.10/24", ("192.168.1.1",)
    )  # fmt: skip
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    do(machine, SetNetwork(), method="dhcp")
    assert not file.exists()


def test_with_network_manager_the_file_is_its_own_and_nobody_else_reads_it(tmp_path: Path) -> None:
    there = ScriptedMachine(root=tmp_path, says={("nmcli",): ""})
    for folder in ("run/NetworkManager", "sys/class/net/enp3s0/device", "etc"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("passwd", "group"):
        (tmp_path / "etc" / name).write_text("")
    arguments = SetNetwork.arguments_type().model_validate(STATIC, strict=False)
    change: Any = SetNetwork()
    plan = change.plan(arguments, there)
    assert change.apply(arguments, plan, there, Hands()).network.gateway == "192.168.1.1"
    file = tmp_path / settings.network_file(there)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "address1=192.168.1.10/24,192.168.1.1\ndns=192.168.1.1;" in file.read_text()
    assert there.ran[-1] == ("nmcli", "--wait", "30", "connection", "up", "--", "sigmavault")
    assert change.outcome(arguments, plan, there) is Outcome.FINISHED
    do_dhcp = SetNetwork.arguments_type().model_validate({"method": "dhcp"}, strict=False)
    assert change.plan(do_dhcp, there).steps[-1].argv[-1] == "enp3s0"


@pytest.mark.parametrize("changes", [
    {"port": "eth7"}, {"gateway": "10.0.0.1"}, {"address": None}, {"method": "dhcp"},
])  # fmt: skip
def test_an_address_that_cannot_work_is_refused(machine: SimulatedMachine, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        do(machine, SetNetwork(), **{**STATIC, **changes})


def test_an_administrator_is_a_user_of_the_nas_with_everything_else_first(machine: SimulatedMachine) -> None:
    do(machine, CreateUser(), name="anna")
    plan = MakeAdministrator().plan(
        MakeAdministrator.arguments_type().model_validate({"name": "anna"}), machine  # type: ignore[arg-type]
    )  # fmt: skip
    assert plan.steps[-1].argv == ("usermod", "--append", "--groups", "sudo,adm", "--", "anna")
    do(machine, MakeAdministrator(), name="anna", full_name="Anna Maier")
    assert settings.administrators(machine) == ("anna",)
    line = next(row for row in (machine.root / "etc/passwd").read_text().splitlines() if row[:4] == "anna")
    assert line.endswith(":Anna Maier:/home/anna:/bin/bash")
    with pytest.raises(OperationError, match="administrator already"):
        do(machine, MakeAdministrator(), name="anna")


def test_nobody_becomes_an_administrator_in_part(machine: SimulatedMachine) -> None:
    do(machine, CreateUser(), name="anna")
    arguments: Any = MakeAdministrator.arguments_type().model_validate({"name": "anna"})
    plan = MakeAdministrator().plan(arguments, machine)
    with pytest.raises(InvalidRequestError, match="8 to 127"):
        MakeAdministrator().apply(arguments, plan, machine, Hands(secrets={"password": "x"}))
    machine.state.users["carla"] = machine.state.users.pop("anna")  # gone, between two commands
    with pytest.raises(CommandError):
        MakeAdministrator().apply(arguments, plan, machine, Hands(secrets=SECRETS))
    assert settings.administrators(machine) == ()
