"""Looks at pools. Every call here starts one program, with a time limit that a suspended pool cannot outlast.

| what | command |
|---|---|
| `pools` | `zpool status -j --json-int -p -P` |
| `pool` | `zpool status -j --json-int -p -P -- NAME` |

A machine without `sys/module/zfs` below its root has no ZFS.
"""

from __future__ import annotations

from typing import Final

from sigmavault.core.errors import (
    CommandError,
    CommandMissingError,
    CommandTimeoutError,
    OperationError,
    UnknownObjectError,
    ZfsMissingError,
)
from sigmavault.core.operation import Machine
from sigmavault.core.storage.pools import Pool, PoolState
from sigmavault.core.storage.pools_status import parse_status

READ_TIMEOUT_S: Final = 20.0
STATUS: Final = ("zpool", "status", "-j", "--json-int", "-p", "-P")


def require_zfs(machine: Machine) -> None:
    """Raises ZfsMissingError when the kernel has no ZFS."""
    if not (machine.root / "sys/module/zfs").is_dir():
        raise ZfsMissingError(
            "ZFS is not loaded, so no pool can be seen", hint="`sigmavault status` tells why, and what to do"
        )


def pools(machine: Machine) -> tuple[Pool, ...]:
    """Every imported pool.

    Raises:
        ZfsMissingError: ZFS is not loaded, or its programs are not installed.
        OperationError: ZFS does not answer.
    """
    return parse_status(read(machine, STATUS))


def pool(machine: Machine, name: str) -> Pool:
    """One imported pool.

    Raises:
        UnknownObjectError: there is none of this name.
        ZfsMissingError: ZFS is not loaded, or its programs are not installed.
        OperationError: ZFS does not answer.
    """
    try:
        found = parse_status(read(machine, (*STATUS, "--", name)))
    except CommandError as error:
        if "no such pool" in error.stderr:
            raise _unknown(name) from error
        raise
    for each in found:
        if each.name == name:
            return each
    raise _unknown(name)


def _unknown(name: str) -> UnknownObjectError:
    return UnknownObjectError(
        f"there is no imported pool {name!r}", hint="`sigmavault pool list` and `sigmavault pool importable`"
    )


def read(machine: Machine, argv: tuple[str, ...]) -> str:
    """What a program of ZFS prints.

    Raises:
        ZfsMissingError: ZFS is not loaded, or the program is not installed.
        CommandError: the program failed.
        OperationError: it did not answer in time; the message names suspended pools.
    """
    require_zfs(machine)
    try:
        return machine.run(argv, timeout_s=READ_TIMEOUT_S).stdout
    except CommandMissingError as error:
        raise ZfsMissingError(f"`{argv[0]}` is not installed", hint="install zfsutils-linux") from error
    except CommandTimeoutError as error:
        stuck = suspended(machine)
        why = f"; suspended: {', '.join(stuck)}" if stuck else ""
        raise OperationError(
            f"ZFS did not answer within {READ_TIMEOUT_S:g} s{why}",
            hint="a suspended pool waits for its disks: plug them in again, then `sigmavault pool clear`",
        ) from error


def suspended(machine: Machine) -> tuple[str, ...]:
    """Names of suspended pools, from the kernel's own counters: no program, no lock, it cannot hang."""
    found = sorted((machine.root / "proc/spl/kstat/zfs").glob("*/state"))
    return tuple(file.parent.name for file in found if _word(file.read_text()) == PoolState.SUSPENDED)


def _word(text: str) -> str:
    return text.strip()
