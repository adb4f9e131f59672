"""The state of services, read from systemd.

Commands: `systemctl show --timestamp=utc --property=… -- UNIT…`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sigmavault.core.operation import Machine
from sigmavault.core.units import PROPERTIES, UNITS, Service, UnitState, parse, state_of

_TIMEOUT_S = 20.0


def services(machine: Machine, wanted: Iterable[Service] = Service) -> tuple[UnitState, ...]:
    """How the services are doing, one process for all of them.

    Raises:
        CommandError: systemd does not answer.
    """
    asked = list(wanted)
    argv = ["systemctl", "show", "--timestamp=utc", f"--property={','.join(PROPERTIES)}", "--",
            *(UNITS[each] for each in asked)]  # fmt: skip
    told = parse(machine.run(argv, timeout_s=_TIMEOUT_S).stdout)
    return tuple(state_of(each, told.get(UNITS[each], {})) for each in asked)


def service(machine: Machine, wanted: Service) -> UnitState:
    """How one service is doing."""
    return services(machine, [wanted])[0]
