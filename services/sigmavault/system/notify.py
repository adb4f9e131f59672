"""Tell systemd how this service is doing (the protocol of sd_notify(3)).

Outside systemd every call does nothing.
"""

from __future__ import annotations

import socket

from sigmavault.system import env


def notify(*assignments: str, may_wait: bool = True) -> bool:
    """Send assignments such as `READY=1` or `STATUS=loading`; returns whether they were taken.

    Args:
        assignments: what to tell.
        may_wait: wait when systemd is behind with reading; without, the message is dropped then.
    """
    address = env.text("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(may_wait)
        try:
            sender.connect(address)
            sender.sendall("\n".join(assignments).encode())
        except BlockingIOError:
            return False
    return True


def ready(status: str = "") -> bool:
    """The service answers from now on."""
    return notify("READY=1", *([f"STATUS={status}"] if status else []))


def status(text: str) -> bool:
    """The line that `systemctl status` shows."""
    return notify(f"STATUS={text}", may_wait=False)


def stopping() -> bool:
    """The service is on its way out."""
    return notify("STOPPING=1")


def alive() -> bool:
    """Feed the watchdog."""
    return notify("WATCHDOG=1", may_wait=False)


def watchdog_interval_s() -> float | None:
    """How often to call `alive`: half of the unit's `WatchdogSec=`; None when it has none."""
    microseconds = env.text("WATCHDOG_USEC")
    return int(microseconds) / 2e6 if microseconds.isdigit() and int(microseconds) else None
