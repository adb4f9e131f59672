"""Tells the application which user is at the other end of the Unix socket.

uvicorn does not; the kernel does (SO_PEERCRED), and nobody can forge it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from sigmavault.ryzan.http.guard import PEER_UID

_UCRED = struct.Struct("3i")  # pid, uid, gid: struct ucred of unix(7)


def peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end; None for anything but a Unix socket."""
    if connection.family != socket.AF_UNIX:
        return None
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return int(_UCRED.unpack(found)[1])


class PeerProtocol(H11Protocol):
    """One HTTP connection that knows its peer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """A client has connected."""
        connection: Any = transport.get_extra_info("socket")
        uid = peer_uid(connection)
        if uid is not None:
            self.app_state = {**self.app_state, PEER_UID: uid}
        super().connection_made(transport)
