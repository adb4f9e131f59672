"""`machine.reboot`."""

from __future__ import annotations

from sigmavault.core.operation import Change, Machine, NoAnswer, Outcome, Plan, Risk
from sigmavault.core.power import Power
from sigmavault.operations.machine.powering import DelayArguments, has_rebooted, plan
from sigmavault.system import power


class Reboot(Change[DelayArguments, NoAnswer]):
    """`machine.reboot`; the job is done when it is planned, or has happened."""

    name = "machine.reboot"
    summary = "Reboot this machine, with a delay"
    risk = Risk.CHANGE
    examples = ("machine reboot --delay-minutes 5",)

    def plan(self, arguments: DelayArguments, machine: Machine) -> Plan:
        """Plan it."""
        return plan(self.name, arguments, machine, Power.REBOOT)

    def outcome(self, arguments: DelayArguments, plan: Plan, machine: Machine) -> Outcome:
        """It has happened, or is still going to, or nobody ever began it."""
        there = power.scheduled(machine)
        is_planned = there is not None and there.power is Power.REBOOT
        return Outcome.FINISHED if is_planned or has_rebooted(plan, machine) else Outcome.FAILED
