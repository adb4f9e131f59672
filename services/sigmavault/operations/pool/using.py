"""What uses a pool: mounted datasets, shares, programs. Asked before it is exported or destroyed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sigmavault.core.errors import CommandError, ObjectBusyError, OperationError
from sigmavault.core.operation import Machine
from sigmavault.core.storage.pools import Pool, PoolState
from sigmavault.operations.dataset.shares import sharing
from sigmavault.system import holders, zfs
from sigmavault.system.holders import Holder


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """What uses a pool.

    Attributes:
        mounts: places where datasets of it are mounted.
        programs: what has files of it open, or stands in a folder of it.
        shares: names of the shares that lie on it.
        is_known: whether the datasets could be listed.
    """

    mounts: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    programs: tuple[Holder, ...] = ()
    is_known: bool = True

    @property
    def sentences(self) -> tuple[str, ...]:
        """They, for people."""
        if not self.is_known:
            return ("what is mounted of the pool cannot be listed",)
        mounted = (f"{', '.join(self.mounts)} will be gone for everybody",) if self.mounts else ()
        shared = (f"the shares {', '.join(self.shares)} become unavailable",) if self.shares else ()
        return (*mounted, *shared)


def uses(machine: Machine, pool: Pool) -> Uses:
    """What uses a pool now. A pool that cannot be read is not asked: ZFS would never answer."""
    if not pool.state.is_usable:
        return Uses(is_known=False)
    try:
        datasets = zfs.datasets(machine, pool.name)
    except (CommandError, OperationError):
        return Uses(is_known=False)
    mounts = tuple(sorted(each.mountpoint for each in datasets if each.mounted))
    return Uses(
        mounts=mounts, shares=sharing(machine, datasets), programs=holders.holders(machine, mounts)
    )  # fmt: skip


def refuse_suspended(pool: Pool) -> None:
    """Raise for a pool that ZFS would wait for without end.

    Raises:
        OperationError: it is suspended.
    """
    if pool.state is PoolState.SUSPENDED:
        raise OperationError(
            f"{pool.name} is suspended: ZFS does not let go of it now",
            hint=f"plug its disks in again, then `sigmavault pool clear {pool.name}`",
        )


def refuse_shared(pool: Pool, used: Uses) -> None:
    """Raise while something on the pool is shared.

    Raises:
        OperationError: which shares.
    """
    if used.shares:
        raise OperationError(
            f"{pool.name} has the shares {', '.join(used.shares)}", hint="remove the shares first"
        )


def refuse_used(pool: Pool, used: Uses) -> None:
    """Raise while programs have files of the pool open.

    Raises:
        ObjectBusyError: which programs, and what they hold.
    """
    if used.programs:
        raise ObjectBusyError(
            f"{pool.name} is in use by {_named(used.programs)}",
            hint="end these programs, or their shares, first",
        )


def _named(programs: Sequence[Holder]) -> str:
    named = [f"{each.name} ({each.pid}: {each.path})" for each in programs[:5]]
    return ", ".join(named) + (f" and {len(programs) - 5} more" if len(programs) > 5 else "")
