"""Sockets that systemd passes to a service (sd_listen_fds(3))."""

from __future__ import annotations

import os
import socket

from sigmavault.system import env

_FIRST = 3
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def passed() -> list[socket.socket]:
    """The listening sockets passed to this process; none when there are none, or it was asked before."""
    told = env.take(_VARIABLES)
    if told.get("LISTEN_PID") != str(os.getpid()):
        return []
    found = []
    for number in range(_FIRST, _FIRST + int(told.get("LISTEN_FDS", "0"))):
        found.append(socket.socket(fileno=number))
        found[-1].set_inheritable(False)  # the standard library's signature
    return found
