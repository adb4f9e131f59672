"""Limits and accounting of units, over systemd's own interface (org.freedesktop.systemd1(5)).

Who writes a control group is systemd alone: what is set here it writes, and keeps until the next boot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sdbus import SdBus, SdBusBaseError

from sigmavault.core.errors import ServiceUnavailableError

_NAME: Final = "org.freedesktop.systemd1"
_PATH: Final = "/org/freedesktop/systemd1"
_MANAGER: Final = "org.freedesktop.systemd1.Manager"
_SERVICE: Final = "org.freedesktop.systemd1.Service"
_NOT_COUNTED: Final = 2**64 - 1
IDLE: Final = 0
"""`CPUWeight=idle`: whoever else wakes up inside the same slice runs at once (`cpu.idle` of cgroup-v2)."""
_US_PER_PERCENT: Final = 10_000
"""`CPUQuota=1%` is 10,000 µs of CPU time in each second."""


async def set_cpu(bus: SdBus, unit: str, percent: int, weight: int) -> None:
    """Set the CPU quota and weight of a unit until the next boot.

    Args:
        bus: the system bus.
        unit: with its suffix.
        percent: of one core.
        weight: 1 to 10000, or `IDLE`.

    Raises:
        ServiceUnavailableError: systemd does not answer, or refuses.
    """
    quota = percent * _US_PER_PERCENT
    await _set(bus, unit, {"CPUQuotaPerSecUSec": ("t", quota), "CPUWeight": ("t", weight)})


async def network_bytes(bus: SdBus, service: str) -> int | None:
    """Bytes that a service has sent and received; None where systemd does not account it.

    Args:
        bus: the system bus.
        service: with its suffix; its unit has `IPAccounting=yes`.

    Raises:
        ServiceUnavailableError: systemd does not answer.
    """
    total = 0
    for member in ("IPIngressBytes", "IPEgressBytes"):
        message = bus.new_property_get_message(_NAME, unit_path(service), _SERVICE, member)
        try:
            kind, value = (await bus.call_async(message)).parse_to_tuple()[0]
        except SdBusBaseError as error:
            raise ServiceUnavailableError(f"systemd does not tell {member} of {service}: {error}") from error
        if kind != "t" or value == _NOT_COUNTED:
            return None
        total += int(value)
    return total


def unit_path(unit: str) -> str:
    """The object path of a unit: what is no letter or digit becomes `_` and its code.

    Source: sd_bus_path_encode(3). A digit at the beginning counts as neither.
    """

    def is_plain(at: int, character: str) -> bool:
        return character.isascii() and character.isalnum() and not (at == 0 and character.isdigit())

    label = "".join(each if is_plain(at, each) else f"_{ord(each):02x}" for at, each in enumerate(unit))
    return f"{_PATH}/unit/{label}"


async def _set(bus: SdBus, unit: str, properties: Mapping[str, tuple[str, object]]) -> None:
    message = bus.new_method_call_message(_NAME, _PATH, _MANAGER, "SetUnitProperties")
    until_reboot = True
    message.append_data("sba(sv)", unit, until_reboot, list(properties.items()))
    try:
        await bus.call_async(message)
    except SdBusBaseError as error:
        raise ServiceUnavailableError(f"systemd does not limit {unit}: {error}") from error
