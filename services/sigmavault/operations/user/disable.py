"""`user.disable`."""

from __future__ import annotations

from sigmavault.core.operation import Change, Machine, Outcome, Plan, Risk, Work
from sigmavault.operations.user import switching
from sigmavault.operations.user.answers import UserRow
from sigmavault.operations.user.password import UserArguments


class DisableUser(Change[UserArguments, UserRow]):
    """Do not let a user log in."""

    name = "user.disable"
    summary = "Do not let a user log in to shares; nothing of the user is removed"
    risk = Risk.CHANGE
    examples = ("user disable anna",)

    def plan(self, arguments: UserArguments, machine: Machine) -> Plan:
        """A user who is not so yet."""
        return switching.plan(self, machine, arguments.name, on=False)

    def apply(self, arguments: UserArguments, plan: Plan, machine: Machine, work: Work) -> UserRow:
        """Tell Samba."""
        return switching.apply(plan, machine, work, arguments.name, on=False)

    def outcome(self, arguments: UserArguments, plan: Plan, machine: Machine) -> Outcome:
        """What Samba says."""
        return switching.outcome(machine, arguments.name, on=False)
