"""`snapshot.hold`."""

from __future__ import annotations

from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Risk
from sigmavault.operations.snapshot import holding
from sigmavault.operations.snapshot.holding import HoldArguments
from sigmavault.operations.snapshot.rows import SnapshotRow, row
from sigmavault.system import zfs


class HoldSnapshot(Change[HoldArguments, SnapshotRow]):
    """A snapshot that nothing can destroy until it is released."""

    name = "snapshot.hold"
    summary = "Keep a snapshot from being destroyed"
    risk = Risk.CHANGE
    examples = ("snapshot hold tank/photos@monday", "snapshot hold tank/photos@monday tax-2026")

    def plan(self, arguments: HoldArguments, machine: Machine) -> Plan:
        """Refuse a hold that is there."""
        snapshot = zfs.snapshot(machine, arguments.snapshot)
        if arguments.tag in zfs.hold_tags(machine, snapshot.name):
            raise InvalidRequestError(f"tag: {snapshot.name} has a hold {arguments.tag} already", param="tag")
        return holding.plan(self.name, arguments, machine, snapshot, "hold")

    def answer(self, arguments: HoldArguments, machine: Machine) -> SnapshotRow:
        """It, as it is now."""
        return row(zfs.snapshot(machine, arguments.snapshot))

    def outcome(self, arguments: HoldArguments, plan: Plan, machine: Machine) -> Outcome:
        """The hold is there, or it is not."""
        is_held = arguments.tag in zfs.hold_tags(machine, arguments.snapshot)
        return Outcome.FINISHED if is_held else Outcome.FAILED
