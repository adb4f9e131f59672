"""`machine.reboot`."""

from __future__ import annotations

from sigmavault.core.operation import Change, Machine, NoAnswer, Outcome, Plan, Risk
from sigmavault.core.power import Power
from sigmavault.operations.machine import powering
from sigmavault.operations.machine.powering import DelayArguments


class Reboot(Change[DelayArguments, NoAnswer]):
    """`machine.reboot`; the job is done when it is planned, or has happened."""

    name = "machine.reboot"
    summary = "Reboot this machine, with a delay"
    risk = Risk.CHANGE
    examples = ("machine reboot --delay-minutes 5",)

    def plan(self, arguments: DelayArguments, machine: Machine) -> Plan:
        """Plan it."""
        return powering.plan(self.name, arguments, machine, Power.REBOOT)

    def outcome(self, arguments: DelayArguments, plan: Plan, machine: Machine) -> Outcome:
        """Read from the plan of logind, and from which boot this is."""
        return powering.outcome(plan, machine, Power.REBOOT)
