"""What rebooting and shutting down have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Arguments, Machine, Outcome, Plan, Step, Target
from sigmavault.core.operation.arguments import Unit
from sigmavault.core.power import Power
from sigmavault.system import power


class DelayArguments(Arguments):
    """When."""

    delay_minutes: Annotated[int, Unit("minutes")] = Field(
        default=1, ge=0, le=24 * 60, examples=[5],
        description="minutes until it happens, for people to save their work; 0 means at once",
    )  # fmt: skip


_OPTIONS = {Power.REBOOT: "--reboot", Power.SHUTDOWN: "--poweroff"}
_SENTENCES = {Power.REBOOT: "Reboot this machine", Power.SHUTDOWN: "Switch this machine off"}


def plan(operation: str, arguments: DelayArguments, machine: Machine, wanted: Power) -> Plan:
    """Plan it with shutdown(8), which tells everybody who is logged in, and can be cancelled.

    Raises:
        OperationError: something is planned already.
    """
    if (there := power.scheduled(machine)) is not None:
        raise OperationError(
            f"a {there.power} is planned already, at {there.at}",
            hint="cancel it first: `sigmavault machine cancel-shutdown`",
        )
    delay = arguments.delay_minutes
    when = f"in {delay} min" if delay else "at once"
    boot = power.boot_id(machine)
    return Plan(
        operation=operation, arguments=arguments.model_dump(mode="json"),
        summary=f"{_SENTENCES[wanted]} {when}",
        steps=(Step(text=f"{_SENTENCES[wanted]} {when}", argv=("shutdown", _OPTIONS[wanted], f"+{delay}")),),
        targets=(Target(kind="machine", name="this machine", identity=boot),),
        warnings=("Everybody who works on shares is disconnected; what is not saved is lost.",),
        locks=("machine",),
    )  # fmt: skip


def outcome(plan_: Plan, machine: Machine, wanted: Power) -> Outcome:
    """It has happened (this is another boot), is still going to, or nobody ever began it."""
    there = power.scheduled(machine)
    is_planned = there is not None and there.power is wanted
    has_rebooted = plan_.targets[0].identity != power.boot_id(machine)
    return Outcome.FINISHED if is_planned or has_rebooted else Outcome.FAILED
