"""`sigmavault _names NOUN`: what there is, a name a line, for whoever completes a command. Never a complaint.

It loads as little as it can: somebody has pressed the Tab key and waits.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator

from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.host.client import connect
from sigmavault.cli.plain_text import plain_line
from sigmavault.core.errors import SigmaVaultError

COMMAND = "_names"
_PATIENCE_S = 2.0
_KEYS = ("name", "id")


def run(noun: str) -> int:
    """Print the names of a noun's list; nothing where they cannot be had. Always 0."""
    try:
        with connect(patience_s=_PATIENCE_S) as host, asyncio.Runner() as runner:
            answer = runner.run(host.read(f"{noun}.list", "{}", interactive=False))
    except SigmaVaultError:
        return ExitCode.OK
    sys.stdout.write("".join(f"{name}\n" for name in _names(json.loads(answer))))
    return ExitCode.OK


def _names(answer: object) -> Iterator[str]:
    lists = [each for each in answer.values() if isinstance(each, list)] if isinstance(answer, dict) else []
    for row in lists[0] if lists else []:
        if isinstance(row, dict) and (name := next((row[key] for key in _KEYS if row.get(key)), None)):
            yield plain_line(str(name))
