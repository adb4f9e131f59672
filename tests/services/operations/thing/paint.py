from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sigmavault.core.operation import Change, Machine, Plan, Risk, Step, Target, Value, Work

from tests.services.operations.thing.state import ThingArguments, parts


class Painted(Value):
    letters: int


class Paint(Change[ThingArguments, Painted]):
    """Needs a secret, and answers its length."""

    name = "thing.paint"
    summary = "Paint a thing"
    risk = Risk.CHANGE
    secrets: ClassVar[Mapping[str, str]] = {"colour": "its colour"}

    def plan(self, arguments: ThingArguments, machine: Machine) -> Plan:
        parts(machine, arguments.name)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Paint the thing {arguments.name}", steps=(Step(text="Paint"),),
            targets=(Target(kind="file", name=arguments.name, identity=arguments.name),),
            secrets=("colour",), locks=(f"thing:{arguments.name}",),
        )  # fmt: skip

    def apply(self, arguments: ThingArguments, plan: Plan, machine: Machine, work: Work) -> Painted:
        return Painted(letters=len(work.secret("colour")))
