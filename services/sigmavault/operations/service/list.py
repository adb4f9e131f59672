"""`service.list`."""

from __future__ import annotations

from sigmavault.core.operation import Machine, NoArguments, Read, Value
from sigmavault.core.units import UnitState
from sigmavault.system import units


class Services(Value):
    """The services, in the order of the list."""

    services: tuple[UnitState, ...]


class ListServices(Read[NoArguments, Services]):
    """How the services are doing."""

    name = "service.list"
    summary = "Show how the services of this machine are doing"
    examples = ("service list",)

    def read(self, arguments: NoArguments, machine: Machine) -> Services:
        """Ask systemd."""
        return Services(services=units.services(machine))
