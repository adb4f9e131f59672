"""What `snapshot.hold` and `snapshot.release` share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.names import SnapshotName, SnapshotTag
from sigmavault.core.operation import Arguments, Machine, Plan, Positional, Step
from sigmavault.core.storage.snapshots import Snapshot
from sigmavault.operations.dataset.rows import lock
from sigmavault.operations.snapshot.rows import target
from sigmavault.system import zfs

DEFAULT_TAG = "keep"


class HoldArguments(Arguments):
    """Which hold on which snapshot."""

    snapshot: Annotated[SnapshotName, Positional()] = Field(
        description="the snapshot", examples=["tank/photos@monday"]
    )
    tag: Annotated[SnapshotTag, Positional()] = Field(
        default=DEFAULT_TAG, description="what the hold is called", examples=["tax-2026"]
    )


def plan(operation: str, arguments: HoldArguments, machine: Machine, snapshot: Snapshot, verb: str) -> Plan:
    """`zfs hold` and `zfs release` are told the same."""
    done = f"{verb.capitalize()} {snapshot.name} ({arguments.tag})"
    argv = ("zfs", verb, "--", arguments.tag, snapshot.name)
    return Plan(
        operation=operation, arguments=arguments.model_dump(mode="json"), summary=done,
        steps=(Step(text=done, argv=argv, timeout_s=zfs.CHANGE_S),), targets=(target(snapshot),),
        locks=(lock(snapshot.dataset),), facts={"holds": [*zfs.hold_tags(machine, snapshot.name)]},
    )  # fmt: skip
