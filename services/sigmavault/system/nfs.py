"""The NFS server: other people's exports, loading, and what came of it.

The command lines, of which there are no others:

    systemctl [try-]reload-or-restart -- nfs-server.service    (it runs `exportfs -r` and opens the port)
    getent ahosts -- NAME

exportfs(8) has no dry run and clears caches of its own network namespace: it runs in the unit, never here.
What it made of our lines is read in its table.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final

from sigmavault.core.errors import CommandError, InvalidRequestError, OperationError
from sigmavault.core.operation import Machine
from sigmavault.core.sharing import exports
from sigmavault.core.sharing.clients import NfsClient, parse_nfs_client
from sigmavault.core.sharing.share import NfsHost, network
from sigmavault.system.files import read_or_empty

EXPORTS: Final = exports.FILE.lstrip("/")
UNIT: Final = "nfs-server.service"
RELOAD: Final = ("systemctl", "reload-or-restart", "--", UNIT)
_RELOAD_IF_UP: Final = ("systemctl", "try-reload-or-restart", "--", UNIT)
_MAIN: Final = "etc/exports"
_FOLDER: Final = "etc/exports.d"
_TABLE: Final = "var/lib/nfs/etab"
_CLIENTS: Final = "proc/fs/nfsd/clients"
_LOOK_S: Final = 20.0
_WORK_S: Final = 60.0


def others(machine: Machine) -> Mapping[str, str]:
    """Files with exports that are not ours, and what is in them (exports(5), exportfs(8))."""
    folder = machine.root / _FOLDER
    files = [machine.root / _MAIN, *sorted(folder.glob("*.exports"))]
    wanted = [each for each in files if each != machine.root / EXPORTS and not each.name.startswith(".")]
    return {f"/{each.relative_to(machine.root)}": read_or_empty(each) for each in wanted if each.is_file()}


def load(machine: Machine, text: str, *, may_start: bool) -> None:
    """Make the NFS server read its exports, and look whether it has taken ours; start it, if that may be.

    Raises:
        CommandError: the server cannot be reloaded.
        OperationError: it left a line of ours out.
    """
    if not may_start:
        machine.run(_RELOAD_IF_UP, timeout_s=_WORK_S)
        return
    machine.run(RELOAD, timeout_s=_WORK_S)
    wanted, taken = exports.parse(text), exports.parse(read_or_empty(machine.root / _TABLE))
    for path, hosts in wanted.items():
        if missing := set(hosts) - set(taken.get(path, ())):
            who = ", ".join(sorted(missing))
            raise OperationError(f"the NFS server did not take the export of {path} to {who}",
                                 hint=f"journalctl -u {UNIT} tells why")  # fmt: skip


def clients(machine: Machine) -> tuple[NfsClient, ...]:
    """Who has mounted something."""
    folder = machine.root / _CLIENTS
    found = [parse_nfs_client(read_or_empty(each)) for each in sorted(folder.glob("*/info"))]
    return tuple(each for each in found if each.machine)


def resolve(machine: Machine, asked: str) -> NfsHost:
    """A host as networks; a name is looked up now and never again by the server.

    Raises:
        InvalidRequestError: nobody knows the name.
    """
    try:
        return NfsHost(asked=asked, addresses=(str(network(asked)),))
    except ValueError:
        pass
    try:
        said = machine.run(("getent", "ahosts", "--", asked), timeout_s=_LOOK_S).stdout
    except CommandError as error:
        raise InvalidRequestError(
            f"the name {asked} cannot be resolved now", param="host", hint="give its address"
        ) from error
    found = {line.split()[0] for line in said.splitlines() if line.split()}
    addresses = sorted(str(network(each)) for each in found if _is_reachable(each))
    if not addresses:
        raise InvalidRequestError(f"{asked} has no address that could mount anything", param="host")
    return NfsHost(asked=asked, addresses=tuple(addresses))


def _is_reachable(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_multicast or "%" in text)
