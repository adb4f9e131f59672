"""A machine that nobody has set up yet: simulated, with everything that operations change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sigmavault.core.operation import Outcome
from sigmavault.simulated.description import read_description
from sigmavault.simulated.machine import SimulatedMachine

from tests.unit.operations.scripted import Hands

NEW = Path(__file__).parents[3] / "services/sigmavault/simulated/machines/new.yaml"
SECRETS = {"password": "correct horse"}


@contextmanager
def new_machine() -> Iterator[SimulatedMachine]:
    """The machine, until the end of the block."""
    machine = SimulatedMachine(read_description(NEW))
    try:
        yield machine
    finally:
        machine.close()


def do(machine: SimulatedMachine, operation: Any, **asked: Any) -> Any:
    """Plan and apply; what the operation tells of its outcome before and after has to be right."""
    arguments = operation.arguments_type().model_validate(asked, strict=False)
    plan = operation.plan(arguments, machine)
    assert operation.outcome(arguments, plan, machine) is Outcome.FAILED
    answer = operation.apply(arguments, plan, machine, Hands(secrets=SECRETS))
    assert operation.outcome(arguments, plan, machine) is Outcome.FINISHED
    return answer
