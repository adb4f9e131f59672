"""Reboot and shutdown: what is planned, and which boot this is.

Commands: `busctl --json=short get-property org.freedesktop.login1 /org/freedesktop/login1
org.freedesktop.login1.Manager ScheduledShutdown`. Files: `/proc/sys/kernel/random/boot_id`.
"""

from __future__ import annotations

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Machine
from sigmavault.core.power import Scheduled, parse_scheduled

_TIMEOUT_S = 20.0
_PROPERTY = ("busctl", "--json=short", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1",
             "org.freedesktop.login1.Manager", "ScheduledShutdown")  # fmt: skip


def boot_id(machine: Machine) -> str:
    """The kernel's name for this boot (random(4))."""
    return (machine.root / "proc/sys/kernel/random/boot_id").read_text("ascii").strip()


def scheduled(machine: Machine) -> Scheduled | None:
    """The planned reboot or shutdown; None when there is none.

    Raises:
        CommandError: logind does not answer.
        OperationError: its answer makes no sense.
    """
    said = machine.run(_PROPERTY, timeout_s=_TIMEOUT_S).stdout
    try:
        return parse_scheduled(said)
    except (ValueError, TypeError, KeyError) as error:
        raise OperationError("logind told something else than a planned shutdown") from error
