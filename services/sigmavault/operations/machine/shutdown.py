"""`machine.shutdown`."""

from __future__ import annotations

from sigmavault.core.operation import Change, Machine, NoAnswer, Outcome, Plan, Risk
from sigmavault.core.power import Power
from sigmavault.operations.machine.powering import DelayArguments, has_rebooted, plan
from sigmavault.system import power


class ShutDown(Change[DelayArguments, NoAnswer]):
    """`machine.shutdown`; the job is done when it is planned, or has happened."""

    name = "machine.shutdown"
    summary = "Switch this machine off, with a delay"
    risk = Risk.CHANGE
    examples = ("machine shutdown --delay-minutes 5",)

    def plan(self, arguments: DelayArguments, machine: Machine) -> Plan:
        """Plan it."""
        return plan(self.name, arguments, machine, Power.SHUTDOWN)

    def outcome(self, arguments: DelayArguments, plan: Plan, machine: Machine) -> Outcome:
        """It has happened, or is still going to, or nobody ever began it."""
        there = power.scheduled(machine)
        is_planned = there is not None and there.power is Power.SHUTDOWN
        return Outcome.FINISHED if is_planned or has_rebooted(plan, machine) else Outcome.FAILED
