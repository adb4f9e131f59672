"""Disks that become part of a pool: looked at, and made blank where that was allowed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from sigmavault.core.errors import CommandError, InvalidRequestError
from sigmavault.core.names import DiskName
from sigmavault.core.operation import Arguments, Machine, Step, Target, Work
from sigmavault.core.operation.operation import run_steps
from sigmavault.core.storage import wiping
from sigmavault.core.storage.disks import Disk
from sigmavault.core.storage.eligibility import contents, worries
from sigmavault.core.storage.pools import Pool
from sigmavault.core.storage.topology import Group, Member, uneven
from sigmavault.system import disks
from sigmavault.system import wiping as system_wiping

_MISSING: Final = ("one or more devices is currently unavailable", "no such pool or dataset")
"""What ZFS says of a partition whose device is not there (ENXIO, ENOENT); nothing was changed then."""
_ATTEMPTS: Final = 5

type Disks = Annotated[tuple[DiskName, ...], Field(max_length=120)]


class TakingArguments(Arguments):
    """What a person may say about disks that are taken."""

    overwrite: Disks = Field(
        default=(), examples=[["ata-WDC_WD40EFRX_WD-1234"]],
        description="disks among these whose data may be lost",
    )  # fmt: skip
    same_serial: Disks = Field(
        default=(), examples=[["usb-JMicron_Generic_0123456789-0:0"]],
        description="disks among these that are meant although another disk has the same serial",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """Disks that were looked at and are free, in the order in which they were named."""

    disks: tuple[Disk, ...]

    @property
    def members(self) -> tuple[Member, ...]:
        """They, as the topology sees them."""
        return tuple(
            Member(
                name=disk.called, path=disk.by_id, size_bytes=disk.size_bytes,
                is_rotational=disk.is_rotational,
            )
            for disk in self.disks
        )  # fmt: skip

    @property
    def targets(self) -> tuple[Target, ...]:
        """They, as a plan names them."""
        return tuple(disks.target(disk) for disk in self.disks)

    @property
    def locks(self) -> tuple[str, ...]:
        """What nobody else may use meanwhile."""
        return tuple(disks.lock(disk) for disk in self.disks)

    @property
    def with_data(self) -> tuple[Disk, ...]:
        """Those that have to be made blank first, be it of an empty partition table."""
        return tuple(disk for disk in self.disks if disk.found)

    @property
    def steps(self) -> tuple[Step, ...]:
        """How they are made blank: zpool's `-f` would silence its checks for every disk of the command."""
        return tuple(step for disk in self.with_data for step in wiping.steps(disk, is_full=False))

    @property
    def losses(self) -> tuple[str, ...]:
        """What is lost with that."""
        return tuple(f"{disk.called}: {', '.join(contents(disk))}" for disk in self.with_data)

    @property
    def worries(self) -> tuple[str, ...]:
        """What a careful person would want to know of them."""
        return tuple(dict.fromkeys(worry for disk in self.disks for worry in worries(disk)))

    def make_blank(self, machine: Machine, work: Work) -> None:
        """Do `steps`."""
        for disk in self.with_data:
            system_wiping.wipe(machine, disk, work)


def take(
    machine: Machine, names: Sequence[str], said: TakingArguments, pools: Sequence[Pool] | None = None
) -> Taken:
    """Look at the disks.

    Raises:
        SigmaVaultError: see `disks.take`.
    """
    return Taken(
        disks.take(machine, names, overwrite=said.overwrite, same_serial=said.same_serial, pools=pools)
    )


def hand_over(step: Step, machine: Machine, work: Work) -> None:
    """Run the command of ZFS that partitions the disks and takes them.

    While udev reads the new partitions once more, after ZFS has closed the disk, their devices are gone
    for a moment, and on a busy machine ZFS gives up waiting for them: then it is tried again.

    Raises:
        CommandError: it failed for another reason, or each time.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            run_steps((step,), machine, work)
        except CommandError as error:
            if not any(said in error.stderr for said in _MISSING):
                raise
        else:
            return
    run_steps((step,), machine, work)


def refuse_uneven(groups: Iterable[Group], *, is_allowed: bool) -> tuple[str, ...]:
    """What is to be said about groups of disks that differ in size.

    Raises:
        InvalidRequestError: there are, and nobody has said that this is meant.
    """
    found = uneven(groups)
    if found and not is_allowed:
        raise InvalidRequestError(
            "; ".join(found), param="uneven_sizes",
            hint="say `uneven_sizes` if this is meant, or use disks of one size",
        )  # fmt: skip
    return found


def forced(sizes: tuple[str, ...]) -> tuple[str, ...]:
    """`-f` where disks differ in size and a person has said so: zpool takes them no other way."""
    return ("-f",) if sizes else ()
