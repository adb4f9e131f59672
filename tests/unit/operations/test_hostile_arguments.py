"""A few random argument sets for every operation; tests/services tries 500."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.operation import Operation
from sigmavault.operations import registry
from sigmavault.simulated.description import read_description
from sigmavault.simulated.machine import SimulatedMachine

from tests.unit.operations.attempts import attempt_all

MACHINE = Path(__file__).parents[3] / "services/sigmavault/simulated/machines/home.yaml"
EVERYTHING = registry.everything()
SETS = 20


@pytest.fixture(scope="module")
def simulated() -> Iterator[SimulatedMachine]:
    machine = SimulatedMachine(read_description(MACHINE))
    yield machine
    machine.close()


@pytest.mark.parametrize("operation", EVERYTHING.values(), ids=EVERYTHING)
def test_no_argument_is_a_trick(
    operation: type[Operation[Any, Any]], simulated: SimulatedMachine, tmp_path: Path
) -> None:
    attempt_all(operation, simulated, tmp_path, SETS)
