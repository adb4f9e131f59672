from __future__ import annotations

import time

from pydantic import Field
from sigmavault.core.errors import OperationError
from sigmavault.core.operation import Change, Machine, Outcome, Plan, Risk, Step, Target, Value, Work

from tests.services.operations.thing.state import ThingArguments, folder


class MakeArguments(ThingArguments):
    parts: int = Field(3, ge=1, le=10_000, description="how many parts")
    pause_ms: int = Field(0, ge=0, description="how long each takes")
    breaks_at: int = Field(0, ge=0, description="the part that cannot be made")


class Made(Value):
    parts: int


class Make(Change[MakeArguments, Made]):
    """Makes one part after another."""

    name = "thing.make"
    summary = "Make a thing"
    risk = Risk.CHANGE

    def plan(self, arguments: MakeArguments, machine: Machine) -> Plan:
        place = folder(machine) / arguments.name
        if place.exists():
            raise OperationError(f"there is a thing {arguments.name!r} already")
        others = sorted(path.name for path in folder(machine).glob("*"))
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Make the thing {arguments.name}",
            steps=tuple(Step(text=f"Make part {at}") for at in range(arguments.parts)),
            targets=(Target(kind="file", name=arguments.name, identity=arguments.name),),
            locks=(f"thing:{arguments.name}",), notes=(f"there are {len(others)} others",),
        )  # fmt: skip

    def apply(self, arguments: MakeArguments, plan: Plan, machine: Machine, work: Work) -> Made:
        place = folder(machine) / arguments.name
        for at, step in enumerate(plan.steps):
            work.progress(step.text, at / len(plan.steps))
            place.mkdir(exist_ok=True)
            if at + 1 == arguments.breaks_at:
                raise OperationError(f"part {at} cannot be made", "make fewer")
            time.sleep(arguments.pause_ms / 1000)
            (place / f"part-{at}").touch()
        return Made(parts=len(plan.steps))

    def outcome(self, arguments: MakeArguments, plan: Plan, machine: Machine) -> Outcome:
        made = len(list((folder(machine) / arguments.name).glob("part-*")))
        return Outcome.FINISHED if made == arguments.parts else Outcome.FAILED
