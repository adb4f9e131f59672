"""`machine.settings`."""

from __future__ import annotations

from sigmavault.core.network import Method
from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.system import settings


class NetworkSettings(Value):
    """How the machine gets its address.

    Attributes:
        method: `dhcp`, or `static` for a fixed one.
        port: the network port of a fixed address; empty with DHCP.
        address: with its prefix.
        gateway: the router; empty for none.
        name_servers: who knows names.
    """

    method: Method
    port: str
    address: str
    gateway: str
    name_servers: tuple[str, ...]


class MachineSettings(Value):
    """What is set on this machine.

    Attributes:
        host_name: what it is called.
        time_zone: where it stands.
        administrators: who may become root.
        ports: its network ports.
    """

    host_name: str
    time_zone: str
    administrators: tuple[str, ...]
    ports: tuple[str, ...]
    network: NetworkSettings


class ShowSettings(Read[NoArguments, MachineSettings]):
    """What a person has set, or could."""

    name = "machine.settings"
    summary = "Show what is set: host name, time zone, network, administrators"
    examples = ("machine settings",)

    def read(self, arguments: NoArguments, machine: Machine) -> MachineSettings:
        """Look."""
        return settings_of(machine)


def settings_of(machine: Machine) -> MachineSettings:
    """How it is now.

    Raises:
        OperationError: it cannot be read.
    """
    now = settings.network(machine)
    return MachineSettings(
        host_name=settings.host_name(machine), time_zone=settings.time_zone(machine),
        administrators=settings.administrators(machine), ports=settings.ports(machine),
        network=NetworkSettings(
            method=now.method, port=now.port, address=now.address, gateway=now.gateway,
            name_servers=now.name_servers,
        ),
    )  # fmt: skip
