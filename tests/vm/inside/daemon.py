"""Has the daemon carry out one operation over the bus: plan, apply with what is to be typed, wait for it.

python3 daemon.py NAME ARGUMENTS: ARGUMENTS are JSON; prints the answer, or ends with the error.
"""

import asyncio
import sys
import time

from sigmavault.cli.host.client import connect
from sigmavault.contract.host1 import JobState
from sigmavault.core.operation import Plan, Risk
from sigmavault.core.operation.surfaces import camel, dbus_interface, noun, verb
from sigmavault.operations import registry


async def carry_out(name: str, arguments: str) -> str:
    operation = registry.find(name)
    with connect() as host:
        if operation.risk is Risk.READ:
            return await host.read(name, arguments, interactive=False)
        text, token = await host.plan(dbus_interface(noun(operation)), camel(verb(operation)), arguments)
        plan = Plan.model_validate_json(text)
        path = await host.apply(token, plan.confirmation, {}, interactive=False)
        while (job := await host.job(path)).state is JobState.RUNNING:
            time.sleep(0.2)
    if job.error is not None:
        raise job.error
    return job.answer


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(carry_out(*sys.argv[1:3])))
