"""`pool.attach`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import OperationError
from sigmavault.core.names import DiskName
from sigmavault.core.operation import Positional, Risk
from sigmavault.core.storage.disks import Disk
from sigmavault.core.storage.pools import Pool, Role, Vdev, VdevKind
from sigmavault.core.storage.topology import LIMITS, Layout
from sigmavault.operations.pool.joining import Joining, JoiningArguments
from sigmavault.operations.pool.shown import PoolView


class AttachArguments(JoiningArguments):
    """Which disk joins which."""

    disk: Annotated[DiskName, Positional()] = Field(
        description="a disk of the pool: one that stands alone, or one of a mirror",
        examples=["ata-WDC_WD40EFRX_WD-1234"],
    )  # fmt: skip
    new: Annotated[DiskName, Positional()] = Field(
        description="the disk that joins it", examples=["ata-WDC_WD40EFRX_WD-5678"]
    )


class AttachDisk(Joining[AttachArguments, PoolView]):
    """Make a mirror of a single disk, or a mirror wider."""

    name = "pool.attach"
    summary = "Make a mirror of a single disk, or a mirror wider, by one more disk"
    risk = Risk.CHANGE
    examples = ("pool attach tank WD-1234 WD-5678",)
    command = "attach"

    def text(self, pool: Pool, called: str, new: Disk) -> str:
        """What happens, as a sentence."""
        return f"Make {new.called} a mirror of {called} in {pool.name}, and copy its data"

    def refuse(self, pool: Pool, leaf: Vdev, called: str) -> None:
        """Only a disk that stands alone, or in a mirror that can grow."""
        group = pool.parents().get(leaf.guid)
        if leaf.role in {Role.SPARE, Role.CACHE}:
            raise OperationError(f"{called} is a {leaf.role} disk of {pool.name}: it cannot be mirrored")
        if group is not None and group.kind is not VdevKind.MIRROR:
            raise OperationError(
                f"{called} is in a {group.kind} group: only a mirror can be made wider",
                hint=f"add a whole group instead: `sigmavault pool add {pool.name} …`",
            )
        most = LIMITS[Layout.MIRROR].most
        if group is not None and len(group.children) >= most:
            raise OperationError(f"the mirror of {called} has {most} disks already")
