"""Looks at pools. Every call here starts one program, with a time limit that a suspended pool cannot outlast.

| what | command |
|---|---|
| `pools` | `zpool status -j --json-int -p -P` |
| `pool` | `zpool status -j --json-int -p -P -- NAME` |
| `importable` | `zpool import -d /dev/disk/by-id` |
| `last_use` | `zdb -lu -- DEVICE` |
| `rehearse` | `zpool create -n …`, `zpool add -n …` |

A machine without `sys/module/zfs` below its root has no ZFS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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
from sigmavault.core.storage.pools_import import ForeignPool, Label, parse_import, parse_label
from sigmavault.core.storage.pools_status import parse_status

READ_TIMEOUT_S: Final = 20.0
SCAN_TIMEOUT_S: Final = 90.0
"""Disks that stand still have to spin up first."""
IMPORT: Final = ("zpool", "import", "-d", "/dev/disk/by-id")
BY_ID: Final = "/dev/disk/by-id"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+@=,-]*")
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
    return among(found, name)


def among(found: Iterable[Pool], name: str) -> Pool:
    """One of the pools that were listed.

    Raises:
        UnknownObjectError: there is none of this name.
    """
    for each in found:
        if each.name == name:
            return each
    raise _unknown(name)


def _unknown(name: str) -> UnknownObjectError:
    return UnknownObjectError(
        f"there is no imported pool {name!r}", hint="`sigmavault pool list` and `sigmavault pool importable`"
    )


def read(machine: Machine, argv: tuple[str, ...], *, timeout_s: float = READ_TIMEOUT_S) -> str:
    """What a program of ZFS prints.

    Raises:
        ZfsMissingError: ZFS is not loaded, or the program is not installed.
        CommandError: the program failed.
        OperationError: it did not answer in time; the message names suspended pools.
    """
    require_zfs(machine)
    try:
        return machine.run(argv, timeout_s=timeout_s).stdout
    except CommandMissingError as error:
        raise ZfsMissingError(f"`{argv[0]}` is not installed", hint="install zfsutils-linux") from error
    except CommandTimeoutError as error:
        stuck = suspended(machine)
        why = f"; suspended: {', '.join(stuck)}" if stuck else ""
        raise OperationError(
            f"ZFS did not answer within {timeout_s:g} s{why}",
            hint="a suspended pool waits for its disks: plug them in again, then `sigmavault pool clear`",
        ) from error


def importable(machine: Machine) -> tuple[ForeignPool, ...]:
    """Pools that are plugged in and not imported. Every disk is read.

    Raises:
        ZfsMissingError: ZFS is not loaded, or its programs are not installed.
        OperationError: ZFS does not answer.
    """
    try:
        return parse_import(read(machine, IMPORT, timeout_s=SCAN_TIMEOUT_S))
    except CommandError as error:
        if "no pools available" in error.stderr:
            return ()
        raise


def last_use(machine: Machine, pool: ForeignPool) -> Label:
    """What a disk of a pool that is not imported tells of its last use; nothing when none can be read."""
    name = next((name for name, is_found in pool.disks if is_found and NAME.fullmatch(name)), "")
    for part in (f"{name}-part1", name) if name else ():
        try:
            # zdb looks below /dev/disk/by-id by itself, but not for partitions (zdb(8))
            said = machine.run(("zdb", "-lu", "--", f"{BY_ID}/{part}"), timeout_s=READ_TIMEOUT_S).stdout
        except CommandError:
            continue
        return parse_label(said)
    return Label()


def rehearse(machine: Machine, verb: str, words: tuple[str, ...], *, is_forced: bool) -> str:
    """What `zpool create -n` or `zpool add -n` says it would do. With `-n` nothing is ever written.

    Args:
        machine: where.
        verb: `create` or `add`.
        words: what stands behind it.
        is_forced: look past what is on the disks, because it will be gone by then.

    Raises:
        OperationError: ZFS would refuse; the message has its reason.
    """
    argv = ("zpool", verb, "-n", *(("-f",) if is_forced else ()), *words)
    said = machine.run(argv, timeout_s=READ_TIMEOUT_S, check=False)
    if said.status:
        raise OperationError(f"ZFS refuses: {reason(said.stderr)}")
    return said.stdout


def reason(stderr: str) -> str:
    """Why a command of ZFS failed, in its own words, on one line."""
    lines = (line.strip() for line in stderr.splitlines())
    return (
        " ".join(line for line in lines if line and not line.startswith(("usage:", "use '-f'")))
        or "no reason"
    )


def suspended(machine: Machine) -> tuple[str, ...]:
    """Names of suspended pools, from the kernel's own counters: no program, no lock, it cannot hang."""
    found = sorted((machine.root / "proc/spl/kstat/zfs").glob("*/state"))
    return tuple(file.parent.name for file in found if _word(file.read_text()) == PoolState.SUSPENDED)


def _word(text: str) -> str:
    return text.strip()
