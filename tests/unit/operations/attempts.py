"""Many argument sets for one operation: refused with a reason or planned without a trick; never a success."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sigmavault.core.errors import InvalidRequestError, SigmaVaultError
from sigmavault.core.operation import Change, Machine, Operation, Plan, Read, Risk
from sigmavault.core.operation.arguments import parse
from sigmavault.core.process import Result
from sigmavault.simulated.machine import SimulatedMachine

from tests.unit.operations.hostile import (
    Patient,
    Refusing,
    Watched,
    argument_sets,
    check_command,
    texts_of,
)

ANSWERS: dict[tuple[str, ...], Result] = {}


def attempt_all(
    operation: type[Operation[Any, Any]], simulated: SimulatedMachine, folder: Path, sets: int
) -> None:
    """Try `sets` argument sets on a machine that refuses everything, at `folder`, and on a willing one."""
    kind = operation.arguments_type()
    known = [*simulated.state.pools, *simulated.state.disks]

    @settings(max_examples=sets, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(argument_sets(kind, known), st.booleans())
    def attempt(asked: dict[str, Any], refuses: bool) -> None:
        try:
            arguments = parse(kind, json.dumps(asked))
        except InvalidRequestError as error:
            named = {*kind.model_fields, *(each[:60] for each in asked)}
            assert error.param in named or "Invalid JSON" in error.message, error.message
            assert len(error.message) < 2000
            return
        # the names of the arguments are ours: one of them is a verb of `zfs`
        texts = [each for each in texts_of([*arguments.model_dump(mode="json").values()]) if each]
        machine = Refusing(folder) if refuses else Watched(simulated, ANSWERS)
        plan = _tried(operation(), arguments, machine)
        for argv in (*machine.asked, *(step.argv for step in plan.steps if step.argv)):
            check_command(argv, texts)
        if plan.operation and refuses:
            _never_done(operation(), arguments, plan, machine)

    attempt()


NO_PLAN = Plan(operation="", arguments={}, summary="", steps=(), targets=())


def _tried(operation: Operation[Any, Any], arguments: Any, machine: Machine) -> Plan:
    """The plan, if it came to one."""
    try:
        if isinstance(operation, Change):
            plan = operation.plan(arguments, machine)
            assert plan.confirmation or operation.risk is not Risk.DESTROY, "nobody has to type anything"
            assert len(plan.summary) < 4000
            return plan
        assert isinstance(operation, Read)
        operation.read(arguments, machine)
    except (SigmaVaultError, FileNotFoundError):
        pass
    return NO_PLAN


def _never_done(operation: Operation[Any, Any], arguments: Any, plan: Plan, machine: Machine) -> None:
    """With every command refused, it cannot have worked."""
    assert isinstance(operation, Change)
    if any(step.argv for step in plan.steps):
        with pytest.raises((SigmaVaultError, OSError)):
            operation.apply(arguments, plan, machine, Patient())
