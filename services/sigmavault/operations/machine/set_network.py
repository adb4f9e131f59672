"""`machine.set-network`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.network import HostAddress, Method, NameServers, PeerAddress, PortName, fault
from sigmavault.core.operation import (
    Arguments,
    Change,
    Machine,
    Outcome,
    Plan,
    Positional,
    Risk,
    Step,
    Target,
    Work,
)
from sigmavault.core.setup.state import NetworkState
from sigmavault.operations.machine.settings import MachineSettings, settings_of
from sigmavault.system import settings


class NetworkArguments(Arguments):
    """How the machine gets its address."""

    method: Annotated[Method, Positional()] = Field(
        description="whether the router gives the address, or it is fixed", examples=["dhcp"]
    )
    port: PortName | None = Field(
        default=None, description="the network port of a fixed address", examples=["enp3s0"]
    )
    address: HostAddress | None = Field(
        default=None, description="the fixed address with its prefix", examples=["192.168.1.10/24"]
    )
    gateway: PeerAddress | None = Field(default=None, description="the router", examples=["192.168.1.1"])
    name_server: NameServers = Field(
        default=(), description="who knows names; needed with a fixed address", examples=[["192.168.1.1"]]
    )


class SetNetwork(Change[NetworkArguments, MachineSettings]):
    """Give the machine a fixed address, or let it ask for one."""

    name = "machine.set-network"
    summary = "Take the address that the router gives, or a fixed one"
    risk = Risk.CHANGE
    examples = (
        "machine set-network dhcp",
        "machine set-network static --port enp3s0 --address 192.168.1.10/24 --gateway 192.168.1.1"
        " --name-server 192.168.1.1",
    )

    def plan(self, arguments: NetworkArguments, machine: Machine) -> Plan:
        """One file of ours, which goes before the image's own."""
        wished, before = _wished(arguments, machine), settings.network(machine)
        file, text = settings.network_file(machine), settings.network_text(machine, wished)
        said = f"Give {wished.port} the address {wished.address}" if text else "Take the router's address"
        steps = [Step(text=f"{'Write' if text else 'Remove'} /{file}")]
        steps += [
            Step(text="Let the network follow", argv=argv)
            for argv in settings.network_commands(machine, wished, before)
        ]
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"), summary=said,
            steps=tuple(steps),
            targets=(Target(kind="machine", name="this machine", identity=before.address or "dhcp"),),
            warnings=("Connections to the present address end; find the machine under the new one.",),
            locks=("machine",), facts={"text": text},
        )  # fmt: skip

    def apply(self, arguments: NetworkArguments, plan: Plan, machine: Machine, work: Work) -> MachineSettings:
        """The file first: what is told to follow it may cut the caller off."""
        work.progress(plan.summary)
        settings.write_network(machine, str(plan.facts["text"]))
        for step in plan.steps:
            if step.argv:
                machine.run(step.argv, timeout_s=step.timeout_s)
        return settings_of(machine)

    def outcome(self, arguments: NetworkArguments, plan: Plan, machine: Machine) -> Outcome:
        """The file says so; whether the network follows is shown by the network."""
        is_set = settings.network(machine) == _wished(arguments, machine)
        return Outcome.FINISHED if is_set else Outcome.FAILED


def _wished(arguments: NetworkArguments, machine: Machine) -> NetworkState:
    port, address, gateway = arguments.port or "", arguments.address or "", arguments.gateway or ""
    if wrong := fault(arguments.method, port, address, gateway):
        raise InvalidRequestError(wrong, param="method")
    if arguments.method is Method.DHCP and (port or arguments.name_server):
        raise InvalidRequestError("with dhcp the router tells everything: give no more", param="method")
    if port and port not in (known := settings.ports(machine)):
        there = f"there are {', '.join(known)}" if known else "there is none"
        raise InvalidRequestError(f"port: this machine has no network port {port}: {there}", param="port")
    return NetworkState(
        method=arguments.method, port=port, address=address, gateway=gateway,
        name_servers=arguments.name_server,
    )  # fmt: skip
