"""`service.restart`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sigmavault.core.errors import OperationError
from sigmavault.core.operation import (
    Arguments,
    Change,
    Machine,
    Outcome,
    Plan,
    Positional,
    Risk,
    Step,
    Target,
)
from sigmavault.core.units import INTERRUPTS, Service, UnitState
from sigmavault.core.values import sentence
from sigmavault.system import units

_TIMEOUT_S = 180.0


class RestartArguments(Arguments):
    """Which service."""

    service: Annotated[Service, Positional()] = Field(description="the service", examples=["smb"])


class RestartService(Change[RestartArguments, UnitState]):
    """Start a service anew."""

    name = "service.restart"
    summary = "Restart a service, or start it when it does not run"
    risk = Risk.CHANGE
    examples = ("service restart smb",)

    def plan(self, arguments: RestartArguments, machine: Machine) -> Plan:
        """Restart the very run that is there now."""
        now, invocation = units.service(machine, arguments.service)
        if now.state == "not-installed":
            raise OperationError(f"{arguments.service} is not installed ({now.unit})")
        runs = now.state in {"active", "reloading"}
        disturbed = INTERRUPTS.get(arguments.service, "")
        done = "Restart" if runs else "Start"
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"{done} {arguments.service} ({now.unit})",
            steps=(Step(text=f"{done} {now.unit}", argv=("systemctl", "restart", "--", now.unit),
                        timeout_s=_TIMEOUT_S),),
            targets=(Target(kind="service", name=arguments.service, identity=now.unit),),
            warnings=(sentence(disturbed),) if runs and disturbed else (),
            locks=(f"service:{arguments.service}",),
            facts={"invocation": invocation, "state": now.state},
        )  # fmt: skip

    def answer(self, arguments: RestartArguments, machine: Machine) -> UnitState:
        """How it is doing now."""
        return units.service(machine, arguments.service)[0]

    def outcome(self, arguments: RestartArguments, plan: Plan, machine: Machine) -> Outcome:
        """Another run of it is there, or it is not."""
        now, invocation = units.service(machine, arguments.service)
        if invocation == plan.facts["invocation"]:
            return Outcome.FAILED
        return Outcome.FINISHED if now.state == "active" else Outcome.UNKNOWN
