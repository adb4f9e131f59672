"""Has the host daemon destroy what is due in the trash."""

from __future__ import annotations

import asyncio
import json
import sys

from sigmavault.cli.host.client import connect
from sigmavault.cli.host.following import follow
from sigmavault.core.errors import OperationError, SigmaVaultError
from sigmavault.core.operation.surfaces import camel, dbus_interface, noun, verb
from sigmavault.operations.dataset.purge import ALL_DUE, Purge
from sigmavault.operations.dataset.trash import ListTrash, Trash


def main() -> int:
    """Do it once; the exit code of the service."""
    try:
        said = asyncio.run(_purge())
    except SigmaVaultError as error:
        sys.stderr.write(f"<3>{error.message}\n")
        return error.exit_code
    if said:
        sys.stdout.write(f"{said}\n")
    return 0


async def _purge() -> str:
    """What was done, as a sentence; empty for nothing."""
    with connect() as host:
        told = Trash.model_validate_json(await host.read(ListTrash.name, "{}", interactive=False))
        if not any(each.is_due for each in told.thrown):
            return ""
        try:
            _, token = await host.plan(dbus_interface(noun(Purge)), camel(verb(Purge)), "{}")
        except OperationError as error:
            return f"nothing was destroyed: {error.message}"  # held or cloned: that may stay
        job = await host.apply(token, ALL_DUE, {}, interactive=False)
        answer = json.loads(await follow(host, job, sys.stderr, 80))
    return f"destroyed for good: {', '.join(answer['destroyed'])}"
