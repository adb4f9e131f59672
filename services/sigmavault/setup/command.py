"""What `sigmavault setup` does: its file of answers, its dry run, its status; or the assistant."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator

from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.host.client import connect
from sigmavault.cli.host.plan import SIMULATED
from sigmavault.core.errors import InvalidRequestError, SetupIncompleteError
from sigmavault.core.setup.answers import Answers
from sigmavault.core.setup.plan import SetupPlan, StepState, plan_setup
from sigmavault.setup import shown
from sigmavault.setup.answers_file import read_answers
from sigmavault.setup.carry_out import Hands, Told, carry_out, rehearse
from sigmavault.setup.downloads import Models
from sigmavault.setup.keeping import Kept, journal_file
from sigmavault.setup.look import read_state
from sigmavault.system import people
from sigmavault.system.polkit_agent import password_prompt


def run(arguments: argparse.Namespace) -> int:
    """Set up, or show how far that is."""
    kept = Kept(journal_file())
    if arguments.status:
        return _status(kept, as_json=arguments.json)
    if arguments.is_asked_for:
        is_asked = _is_asked_for(kept, has_answers=arguments.answers is not None)
        return ExitCode.OK if is_asked else ExitCode.ATTENTION
    if arguments.if_asked_for and not _is_asked_for(kept, has_answers=arguments.answers is not None):
        return ExitCode.OK
    if arguments.answers is not None:
        return _from_file(read_answers(arguments.answers), kept, arguments)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidRequestError("nobody is there to answer", hint="--answers FILE has the answers")
    from sigmavault.setup.console.assistant import assist  # curses is loaded for people only

    return assist(kept, is_dry=arguments.dry_run)


def _is_asked_for(kept: Kept, *, has_answers: bool) -> bool:
    """Whether anything is to be done by itself.

    A file of answers is, until all of it is done. A person is asked only while nobody looks after the
    machine: later, whoever sits at the console has to log in.
    """
    if has_answers:
        return kept.journal.is_unfinished
    return kept.journal.is_asked_for and not people.has_administrator()


def _status(kept: Kept, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(kept.journal.model_dump_json(indent=2) + "\n")
    else:
        _print(shown.status_lines(kept.journal))
    return ExitCode.OK


def _from_file(answers: Answers, kept: Kept, arguments: argparse.Namespace) -> int:
    with asyncio.Runner() as runner, connect() as host:
        models = Models()
        if runner.run(host.is_simulated()):
            sys.stderr.write(f"{SIMULATED}\n")
        if arguments.dry_run:
            plan = plan_setup(answers, runner.run(read_state(host, models)))
            told = runner.run(rehearse(plan, host))
            if arguments.json:
                sys.stdout.write(json.dumps(_as_json(plan), indent=2, ensure_ascii=False) + "\n")
            else:
                _print(shown.plan_lines(plan, told))
            return ExitCode.OK
        hands = Hands(
            host=host, models=models, kept=kept, tell=_Teller(), is_interactive=sys.stdin.isatty()
        )  # fmt: skip
        typed = answers.pool.confirm if answers.pool is not None else ""
        plan = runner.run(_attended(answers, typed, hands))
    _print(shown.end_lines(plan))
    if not plan.is_settled:
        raise SetupIncompleteError("not everything was done")
    return ExitCode.OK


async def _attended(answers: Answers, typed: str, hands: Hands) -> SetupPlan:
    async with password_prompt():
        return await carry_out(answers, typed, hands)


def _as_json(plan: SetupPlan) -> dict[str, object]:
    return {
        "confirmation": plan.confirmation, "losses": list(plan.losses),
        "steps": [
            {"id": each.id, "title": each.title, "operation": each.operation, "needs": list(each.needs),
             "arguments": dict(each.arguments), "state": each.state.value, "reason": each.reason}
            for each in plan.steps
        ],
    }  # fmt: skip


class _Teller:
    """A line for each step that begins or ends; never a line for each tick of a progress."""

    def __init__(self) -> None:
        self._said: dict[str, StepState] = {}

    def __call__(self, told: Told) -> None:
        for step in told.plan.steps:
            if step.state is not StepState.WAITING and self._said.get(step.id) is not step.state:
                self._said[step.id] = step.state
                sys.stdout.write(shown.step_line(step) + "\n")
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
