"""`machine.shutdown`."""

from __future__ import annotations

from sigmavault.core.operation import Change, Machine, NoAnswer, Outcome, Plan, Risk
from sigmavault.core.power import Power
from sigmavault.operations.machine import powering
from sigmavault.operations.machine.powering import DelayArguments


class ShutDown(Change[DelayArguments, NoAnswer]):
    """`machine.shutdown`; the job is done when it is planned, or has happened."""

    name = "machine.shutdown"
    summary = "Switch this machine off, with a delay"
    risk = Risk.CHANGE
    examples = ("machine shutdown --delay-minutes 5",)

    def plan(self, arguments: DelayArguments, machine: Machine) -> Plan:
        """Plan it."""
        return powering.plan(self.name, arguments, machine, Power.SHUTDOWN)

    def outcome(self, arguments: DelayArguments, plan: Plan, machine: Machine) -> Outcome:
        """Read from the plan of logind, and from which boot this is."""
        return powering.outcome(plan, machine, Power.SHUTDOWN)
