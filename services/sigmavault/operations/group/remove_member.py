"""`group.remove-member`."""

from __future__ import annotations

from sigmavault.core.operation import Change, Machine, Outcome, Plan, Risk, Work
from sigmavault.operations.group import membership
from sigmavault.operations.group.answers import GroupRow, MemberArguments


class RemoveMember(Change[MemberArguments, GroupRow]):
    """Take a user out of a group."""

    name = "group.remove-member"
    summary = "Take a user out of a group"
    risk = Risk.CHANGE
    examples = ("group remove-member family anna",)

    def plan(self, arguments: MemberArguments, machine: Machine) -> Plan:
        """A group and a user of ours."""
        return membership.plan(self.name, arguments, machine, add=False)

    def apply(self, arguments: MemberArguments, plan: Plan, machine: Machine, work: Work) -> GroupRow:
        """Change group(5)."""
        return membership.apply(plan, arguments, machine, work, add=False)

    def outcome(self, arguments: MemberArguments, plan: Plan, machine: Machine) -> Outcome:
        """What group(5) says."""
        return membership.outcome(arguments, machine, add=False)
