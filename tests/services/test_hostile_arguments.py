"""The bar: 500 random argument sets for every operation. Minutes, so it is not among the fast tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sigmavault.core.operation import Operation
from sigmavault.operations import registry
from sigmavault.simulated.machine import SimulatedMachine

from tests.unit.operations.attempts import attempt_all
from tests.unit.operations.test_hostile_arguments import simulated as simulated

EVERYTHING = registry.everything()


@pytest.mark.parametrize("operation", EVERYTHING.values(), ids=EVERYTHING)
def test_no_argument_is_a_trick(
    operation: type[Operation[Any, Any]], simulated: SimulatedMachine, tmp_path: Path
) -> None:
    attempt_all(operation, simulated, tmp_path, 500)
