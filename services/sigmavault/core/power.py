"""A planned reboot or shutdown, as logind tells it (org.freedesktop.login1(5)). Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum

from sigmavault.core.operation import Value


class Power(StrEnum):
    """What is going to happen to the machine."""

    REBOOT = "reboot"
    SHUTDOWN = "shutdown"


class Scheduled(Value):
    """What is planned.

    Attributes:
        power: what happens.
        at: when, ISO 8601, UTC.
    """

    power: Power
    at: str


_KINDS = {"reboot": Power.REBOOT, "poweroff": Power.SHUTDOWN, "halt": Power.SHUTDOWN}


def parse_scheduled(text: str) -> Scheduled | None:
    """Out of `busctl --json=short get-property … ScheduledShutdown`: `{"type":"(st)","data":["reboot",µs]}`.

    Raises:
        ValueError: it has another form.
    """
    kind, microseconds = json.loads(text)["data"]
    if kind not in _KINDS:  # "" when nothing is planned; a dry run of shutdown(8) is nothing either
        return None
    at = datetime.fromtimestamp(int(microseconds) // 1_000_000, UTC)
    return Scheduled(power=_KINDS[kind], at=at.isoformat().replace("+00:00", "Z"))
