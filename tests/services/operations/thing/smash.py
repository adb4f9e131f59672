from __future__ import annotations

import shutil
import time

from sigmavault.core.operation import Change, Machine, NoAnswer, Plan, Risk, Step, Target, Work

from tests.services.operations.thing.state import ThingArguments, folder, parts


class Smash(Change[ThingArguments, NoAnswer]):
    """Destroys; how it ended cannot be told from outside."""

    name = "thing.smash"
    summary = "Smash a thing"
    risk = Risk.DESTROY

    def plan(self, arguments: ThingArguments, machine: Machine) -> Plan:
        count = parts(machine, arguments.name)
        return Plan(
            operation=self.name, arguments=arguments.model_dump(mode="json"),
            summary=f"Smash the thing {arguments.name}", confirmation=arguments.name,
            steps=(Step(text=f"Smash {arguments.name}"),), losses=(f"{count} parts",),
            targets=(Target(kind="file", name=arguments.name, identity=arguments.name),),
            locks=(f"thing:{arguments.name}",), facts={"parts": count},
        )  # fmt: skip

    def apply(self, arguments: ThingArguments, plan: Plan, machine: Machine, work: Work) -> NoAnswer:
        work.progress(plan.steps[0].text)
        time.sleep(0.2)
        shutil.rmtree(folder(machine) / arguments.name)
        return NoAnswer()
