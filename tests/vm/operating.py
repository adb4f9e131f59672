"""Lets tests carry out operations inside the machine, as hostd does, without its bus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.vm.machine.errors import GuestError
from tests.vm.machine.machine import Machine
from tests.vm.machine.timing import retry

SCRIPT = (Path(__file__).parent / "inside" / "operation.py").read_bytes()
TIMEOUT_S = 60.0


def attempt(vm: Machine, operation: str, /, **arguments: Any) -> dict[str, Any]:
    """Carry out an operation, whatever comes of it: see `inside/operation.py`."""
    secrets = arguments.pop("secrets", {})
    given = (operation, json.dumps(arguments), json.dumps(secrets))
    said: dict[str, Any] = json.loads(vm.succeed("python3", "-", *given, stdin=SCRIPT, timeout_s=TIMEOUT_S))
    return said


def operate(vm: Machine, operation: str, /, **arguments: Any) -> Any:
    """Carry out an operation that must work; returns its answer.

    Raises:
        GuestError: it was refused, or failed.
    """
    said = attempt(vm, operation, **arguments)
    if "error" in said:
        raise GuestError(f"in {vm.name}: {operation} {arguments}: {said}")
    if "outcome" in said and said["outcome"]["after"] != "finished":
        raise GuestError(f"in {vm.name}: {operation} was done, and its outcome is told as {said['outcome']}")
    return said["answer"]


def refused(vm: Machine, operation: str, /, **arguments: Any) -> str:
    """Carry out an operation that must be refused; returns the reason."""
    said = attempt(vm, operation, **arguments)
    if "error" not in said:
        raise GuestError(f"in {vm.name}: {operation} {arguments} was not refused: {said}")
    return str(said["message"])


def wait_for_state(vm: Machine, pool: str, *states: str, timeout_s: float = 30) -> float:
    """Wait until a pool is in one of these states; returns seconds."""
    seen = ""

    def reached(last: bool) -> bool:
        nonlocal seen
        seen = operate(vm, "pool.show", name=pool)["state"]
        if last and seen not in states:
            raise GuestError(f"in {vm.name}: {pool} is {seen}, not {' or '.join(states)}")
        return seen in states

    return retry(reached, timeout_s=vm.scale.limit(timeout_s), what=f"{pool} {states}")
