"""`user.enable`."""

from __future__ import annotations

from sigmavault.core.operation import Change, Machine, Outcome, Plan, Risk, Work
from sigmavault.operations.user import switching
from sigmavault.operations.user.answers import UserRow
from sigmavault.operations.user.password import UserArguments


class EnableUser(Change[UserArguments, UserRow]):
    """Let a user log in again."""

    name = "user.enable"
    summary = "Let a disabled user log in to shares again"
    risk = Risk.CHANGE
    examples = ("user enable anna",)

    def plan(self, arguments: UserArguments, machine: Machine) -> Plan:
        """A user who is not so yet."""
        return switching.plan(self, machine, arguments.name, on=True)

    def apply(self, arguments: UserArguments, plan: Plan, machine: Machine, work: Work) -> UserRow:
        """Tell Samba."""
        return switching.apply(plan, machine, work, arguments.name, on=True)

    def outcome(self, arguments: UserArguments, plan: Plan, machine: Machine) -> Outcome:
        """What Samba says."""
        return switching.outcome(machine, arguments.name, on=True)
