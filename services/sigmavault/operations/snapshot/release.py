"""`snapshot.release`."""

from __future__ import annotations

from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Risk
from sigmavault.operations.snapshot import holding
from sigmavault.operations.snapshot.holding import HoldArguments
from sigmavault.operations.snapshot.rows import SnapshotRow, row
from sigmavault.system import zfs


class ReleaseSnapshot(Change[HoldArguments, SnapshotRow]):
    """The end of a hold; nothing is destroyed by it."""

    name = "snapshot.release"
    summary = "Let a snapshot be destroyed again"
    risk = Risk.CHANGE
    examples = ("snapshot release tank/photos@monday",)

    def plan(self, arguments: HoldArguments, machine: Machine) -> Plan:
        """Refuse a hold that is not there."""
        snapshot = zfs.snapshot(machine, arguments.snapshot)
        tags = zfs.hold_tags(machine, snapshot.name)
        if arguments.tag not in tags:
            there = f"it has {', '.join(tags)}" if tags else "it has none"
            raise InvalidRequestError(
                f"tag: {snapshot.name} has no hold {arguments.tag}; {there}", param="tag"
            )
        return holding.plan(self.name, arguments, machine, snapshot, "release")

    def answer(self, arguments: HoldArguments, machine: Machine) -> SnapshotRow:
        """It, as it is now."""
        return row(zfs.snapshot(machine, arguments.snapshot))

    def outcome(self, arguments: HoldArguments, plan: Plan, machine: Machine) -> Outcome:
        """The hold is gone, or still there."""
        is_held = arguments.tag in zfs.hold_tags(machine, arguments.snapshot)
        return Outcome.FAILED if is_held else Outcome.FINISHED
