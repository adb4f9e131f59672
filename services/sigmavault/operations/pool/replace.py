"""`pool.replace`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import OperationError
from sigmavault.core.names import DiskName
from sigmavault.core.operation import Positional, Risk
from sigmavault.core.storage.disks import Disk
from sigmavault.core.storage.pools import Pool, Vdev, VdevKind
from sigmavault.operations.pool.joining import Joining, JoiningArguments
from sigmavault.operations.pool.shown import PoolView


class ReplaceArguments(JoiningArguments):
    """Which disk, and what takes its place."""

    disk: Annotated[DiskName, Positional()] = Field(
        description="the disk that leaves: its name in /dev/disk/by-id, its serial, or its GUID in the pool",
        examples=["ata-WDC_WD40EFRX_WD-1234"],
    )  # fmt: skip
    new: Annotated[DiskName, Positional()] = Field(
        description="the disk that takes its place", examples=["ata-WDC_WD40EFRX_WD-5678"]
    )


class ReplaceDisk(Joining[ReplaceArguments, PoolView]):
    """Put a new disk in the place of another. Its data is copied while the pool is in use."""

    name = "pool.replace"
    summary = "Put a new disk in the place of one of a pool; `pool show` tells how far the copying is"
    risk = Risk.CHANGE
    examples = ("pool replace tank WD-1234 WD-5678",)
    command = "replace"

    def text(self, pool: Pool, called: str, new: Disk) -> str:
        """What happens, as a sentence."""
        return f"Put {new.called} in the place of {called} in {pool.name}, and copy its data"

    def refuse(self, pool: Pool, leaf: Vdev, called: str) -> None:
        """Only a disk that nothing takes the place of yet."""
        group = pool.parents().get(leaf.guid)
        if group is not None and group.kind is VdevKind.REPLACING:
            raise OperationError(
                f"{called} is being replaced already",
                hint=f"take the one that is not wanted out: `sigmavault pool detach {pool.name} DISK`",
            )

    def warnings(self, leaf: Vdev) -> tuple[str, ...]:
        """An old disk that works is of use until the end."""
        if not leaf.state.is_working:
            return ()
        return (f"leave {leaf.disk or leaf.name} plugged in until the copying has ended: it still helps",)
