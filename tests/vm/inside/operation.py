"""Runs one operation inside the machine, as hostd does, without its bus: plan, look again, apply.

python3 operation.py NAME ARGUMENTS [SECRETS]: ARGUMENTS and SECRETS are JSON; prints one JSON object with
`plan` and `answer`, or with `error`, `message` and `hint`.
"""

import json
import sys
from typing import Any

from sigmavault.core.errors import SigmaVaultError
from sigmavault.core.operation import Change, Read
from sigmavault.core.operation.arguments import parse
from sigmavault.operations import registry
from sigmavault.system.machine import RealMachine


class Hands:
    """What hostd gives an operation that is applied."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self._secrets = secrets

    def secret(self, name: str) -> str:
        return self._secrets[name]

    def give(self, name: str, text: str) -> None:
        """Nobody is there who could be given a secret."""

    def progress(self, text: str, fraction: float | None = None) -> None:
        """Nobody listens."""


def carry_out(name: str, given: str, secrets: dict[str, str]) -> dict[str, Any]:
    operation = registry.find(name)()
    machine = RealMachine()
    try:
        arguments = parse(operation.arguments_type(), given)
        if isinstance(operation, Read):
            return {"answer": operation.read(arguments, machine).model_dump(mode="json")}
        assert isinstance(operation, Change)
        plan = operation.plan(arguments, machine)
        again = operation.plan(arguments, machine)
        assert plan.digest() == again.digest(), (plan, again)
        before = operation.outcome(arguments, plan, machine)
        answer = operation.apply(arguments, plan, machine, Hands(secrets))
        after = operation.outcome(arguments, plan, machine)
    except SigmaVaultError as error:
        return {"error": error.code, "message": error.message, "hint": error.hint}
    return {
        "plan": plan.model_dump(mode="json"), "answer": answer.model_dump(mode="json"),
        "outcome": {"before": before.value, "after": after.value},
    }  # fmt: skip


if __name__ == "__main__":
    name, given, *rest = sys.argv[1:]
    sys.stdout.write(json.dumps(carry_out(name, given, json.loads(rest[0]) if rest else {})))
