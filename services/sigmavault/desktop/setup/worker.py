"""The process that works for the assistant's window: it may wait for daemons, and for a person's password.

It has the rights of who sits at the desktop, and no more. Every change is an operation of the host daemon,
which asks polkit, which asks the person.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from pydantic import ValidationError

from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.host.client import Host, connect
from sigmavault.core.errors import ConfigError, SigmaVaultError
from sigmavault.core.setup.answers import parse_answers
from sigmavault.core.setup.plan import plan_setup
from sigmavault.desktop.setup.contract import Rehearsed, Report, Request
from sigmavault.setup.carry_out import Hands, Told, carry_out, rehearse
from sigmavault.setup.downloads import Models
from sigmavault.setup.keeping import Kept, journal_file
from sigmavault.setup.look import read_facts, read_state


def _tell(report: Report) -> None:
    sys.stdout.write(report.model_dump_json(exclude_defaults=True) + "\n")
    sys.stdout.flush()


async def _look(host: Host) -> None:
    journal = Kept(journal_file()).journal
    before = journal.answers if journal.is_unfinished else {}
    _tell(Report(facts=await read_facts(host, Models()), before=before))


async def _rehearse(host: Host, answers: dict[str, Any]) -> None:
    models = Models()
    plan = plan_setup(parse_answers(answers, "answers"), await read_state(host, models))
    told = await rehearse(plan, host)
    found = {
        name: Rehearsed(
            commands=each.commands, losses=each.losses, warnings=each.warnings, refusal=each.refusal
        )
        for name, each in told.items()
    }
    _tell(Report(rehearsed=found))


async def _run(host: Host, answers: dict[str, Any]) -> None:
    wished = parse_answers(answers, "answers")

    def tell(told: Told) -> None:
        _tell(Report(plan=told.plan, text=told.text, fraction=told.fraction))

    hands = Hands(
        host=host, models=Models(), kept=Kept(journal_file()), tell=tell, is_interactive=True
    )  # fmt: skip
    typed = wished.pool.confirm if wished.pool is not None else ""
    _tell(Report(plan=await carry_out(wished, typed, hands)))


def _do(request: Request) -> None:
    if request.do == "decline":
        Kept(journal_file()).decline()
        return
    with asyncio.Runner() as runner, connect() as host:
        match request.do:
            case "look":
                runner.run(_look(host))
            case "rehearse":
                runner.run(_rehearse(host, request.answers))
            case "run":
                runner.run(_run(host, request.answers))


def main() -> int:
    """Answer the one request on the standard input; returns the exit code."""
    try:
        return _answer()
    except BrokenPipeError:
        # the window is gone: what the host daemon is at goes on to its end, and nothing more is begun
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at the end
        return ExitCode.READER_GONE


def _answer() -> int:
    try:
        try:
            request = Request.model_validate_json(sys.stdin.readline())
        except ValidationError:
            # what was given may hold a password, and pydantic would quote it
            raise ConfigError("no request of the assistant") from None
        _do(request)
    except SigmaVaultError as error:
        _tell(Report(error=error.message, hint=error.hint))
        return error.exit_code
    return 0
