"""The state of services, read from systemd.

Commands: `systemctl show --timestamp=utc --property=… -- UNIT…`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sigmavault.core.operation import Machine
from sigmavault.core.units import PROPERTIES, UNITS, Service, UnitState, parse, state_of

_TIMEOUT_S = 20.0


def services(machine: Machine) -> tuple[UnitState, ...]:
    """How the services are doing, one process for all of them.

    Raises:
        CommandError: systemd does not answer.
    """
    told = _show(machine, list(Service))
    return tuple(state_of(each, told.get(UNITS[each], {})) for each in Service)


def service(machine: Machine, wanted: Service) -> tuple[UnitState, str]:
    """How one service is doing, and systemd's name for this very run of it (empty when it does not run).

    Raises:
        CommandError: systemd does not answer.
    """
    told = _show(machine, [wanted]).get(UNITS[wanted], {})
    return state_of(wanted, told), told.get("InvocationID", "")


def _show(machine: Machine, wanted: Sequence[Service]) -> dict[str, dict[str, str]]:
    argv = ["systemctl", "show", "--timestamp=utc", f"--property={','.join(PROPERTIES)}", "--",
            *(UNITS[each] for each in wanted)]  # fmt: skip
    return parse(machine.run(argv, timeout_s=_TIMEOUT_S).stdout)
