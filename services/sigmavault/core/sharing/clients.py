"""Who is connected, as Samba and the NFS server tell it. Pure.

Formats: `smbstatus --json` of Samba 4.22; `/proc/fs/nfsd/clients/*/info` (nfsd(7), Linux 5.3 and later).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Value


class SmbClient(Value):
    """Somebody who uses a share over SMB.

    Attributes:
        share: its name.
        user: who logged in; empty when Samba does not tell.
        machine: address of the client.
        dialect: version of the protocol, `SMB3_11`.
        encryption: cipher on the wire; empty for none.
        since: ISO 8601, as Samba writes it.
    """

    share: str
    user: str
    machine: str
    dialect: str
    encryption: str
    since: str


class NfsClient(Value):
    """A machine that has mounted something over NFS 4.

    Attributes:
        machine: its address and port.
        name: what it calls itself.
        status: `confirmed` when it is really there.
    """

    machine: str
    name: str
    status: str


def parse_smbstatus(text: str) -> tuple[SmbClient, ...]:
    """Clients by share.

    Raises:
        OperationError: it is not what smbstatus(1) prints.
    """
    try:
        found = from_json(text)
        clients = list(_smb_clients(found.get("sessions", {}), found.get("tcons", {})))
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise OperationError(f"what smbstatus answers cannot be read: {error!r}") from error
    return tuple(sorted(clients, key=lambda each: (each.share.lower(), each.machine, each.user)))


def processes_of(text: str, user: str) -> tuple[int, ...]:
    """The processes of Samba that serve a user.

    Raises:
        OperationError: it is not what smbstatus(1) prints.
    """
    try:
        sessions = from_json(text).get("sessions", {}).values()
        return tuple(sorted({int(each["server_id"]["pid"]) for each in sessions if each["username"] == user}))
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise OperationError(f"what smbstatus answers cannot be read: {error!r}") from error


def _smb_clients(sessions: dict[str, Any], connections: dict[str, Any]) -> Iterator[SmbClient]:
    for connection in connections.values():
        if connection["service"] == "IPC$":
            continue
        session = sessions.get(str(connection["session_id"]), {})
        cipher = (connection.get("encryption") or {}).get("cipher") or (session.get("encryption") or {}).get(
            "cipher"
        )
        yield SmbClient(
            share=connection["service"], user=str(session.get("username", "")),
            machine=str(connection.get("machine", "")), dialect=str(session.get("session_dialect", "")),
            encryption="" if cipher in {None, "-"} else str(cipher),
            since=str(connection.get("connected_at", "")),
        )  # fmt: skip


def parse_nfs_client(text: str) -> NfsClient:
    """One client; what the kernel does not tell stays empty."""
    told = {
        key.strip(): value.strip().strip('"')
        for key, _, value in (x.partition(":") for x in text.splitlines())
    }
    return NfsClient(
        machine=told.get("address", ""), name=told.get("name", ""), status=told.get("status", "")
    )  # fmt: skip
