from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sigmavault.core.operation import Change, Machine, NoAnswer, Plan, Risk, Step, Target, Work

from tests.services.operations.thing.state import ThingArguments, parts


class Whisper(Change[ThingArguments, NoAnswer]):
    """Tells its caller a secret, and nobody else."""

    name = "thing.whisper"
    summary = "Whisper what a thing knows"
    risk = Risk.CHANGE
    gives: ClassVar[Mapping[str, str]] = {"rumour": "what it knows"}

    def plan(self, arguments: ThingArguments, machine: Machine) -> Plan:
        parts(machine, arguments.name)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Listen to the thing {arguments.name}", steps=(Step(text="Listen"),), gives=("rumour",),
            targets=(Target(kind="file", name=arguments.name, identity=arguments.name),),
        )  # fmt: skip

    def apply(self, arguments: ThingArguments, plan: Plan, machine: Machine, work: Work) -> NoAnswer:
        work.give("rumour", "it was the butler")
        return NoAnswer()
