"""One operation from the command line: a read is answered; a change is planned, shown, agreed to."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
from typing import Any

from pydantic import JsonValue, ValidationError

from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.host import answer as answers
from sigmavault.cli.host import arguments as command_line
from sigmavault.cli.host import confirming, gifts, secrets
from sigmavault.cli.host.client import Host, connect, worded
from sigmavault.cli.host.following import follow
from sigmavault.cli.host.plan import SIMULATED, render_brief, render_plan
from sigmavault.cli.paint import Paint
from sigmavault.core.errors import InvalidRequestError, ServiceUnavailableError, SigmaVaultError
from sigmavault.core.operation import Change, NoAnswer, Operation, Plan
from sigmavault.core.operation.arguments import parse
from sigmavault.core.operation.surfaces import camel, dbus_interface, noun, verb
from sigmavault.system.polkit_agent import password_prompt

type Kind = type[Operation[Any, Any]]


def run(operation: Kind, given: argparse.Namespace) -> int:
    """Run an operation; the exit code.

    Raises:
        SigmaVaultError: it did not work, or nobody agreed.
    """
    text = command_line.spelled(command_line.to_json(operation.arguments_type(), given))
    parse(operation.arguments_type(), text)  # wrong arguments are told without asking anybody
    try:
        if issubclass(operation, Change):
            return _change(operation, text, given)
        return _read(operation, text, given)
    except SigmaVaultError as error:
        raise worded(error) from error


def _read(operation: Kind, text: str, given: argparse.Namespace) -> int:
    _check_columns(operation, given)

    async def asked(host: Host) -> str:
        _banner(is_simulated=await host.is_simulated())
        if not operation.private:
            return await host.read(operation.name, text, interactive=False)
        async with password_prompt():
            return await host.read(operation.name, text, interactive=sys.stdin.isatty())

    with asyncio.Runner() as runner, connect() as host:
        found = runner.run(asked(host))
    _print_answer(operation, found, given)
    return ExitCode.OK


def _change(operation: type[Change[Any, Any]], text: str, given: argparse.Namespace) -> int:
    consent = confirming.Consent(yes=given.yes, name=given.confirm)
    confirming.check(operation.risk, consent)
    sources, saves = (
        secrets.parse_sources(given.secret_file, given.secret_stdin), gifts.parse_places(given.save)
    )  # fmt: skip
    # a Runner, not asyncio.run: while a person is asked, Ctrl-C ends the program, as everywhere
    with asyncio.Runner() as runner, connect() as host:
        plan, token = runner.run(_planned(host, operation, text))
        if given.dry_run:
            _print_plan(plan, as_json=given.json)
            return ExitCode.OK
        paint = Paint(is_on=sys.stderr.isatty())
        shown = render_brief if consent.is_given(plan) else render_plan
        sys.stderr.write(shown(plan, paint))
        sys.stderr.flush()
        confirmation = confirming.confirmed(plan, consent, _terminal())
        needs = secrets.Needs(
            names=plan.secrets, meanings=operation.secrets, known=operation.known_secrets
        )  # fmt: skip
        found = secrets.gather(needs, sources, ask=_terminal() is not None)
        with gifts.places(plan.gives, saves, shows=sys.stdout.isatty()) as empty:
            told = runner.run(_applied(host, token, confirmation, found, empty))
    _print_done(operation, plan, told, given)
    return ExitCode.OK


async def _planned(host: Host, operation: Kind, text: str) -> tuple[Plan, str]:
    interface, method = dbus_interface(noun(operation)), camel(verb(operation))
    _banner(is_simulated=await host.is_simulated())
    found, token = await host.plan(interface, method, text)
    try:
        plan = Plan.model_validate_json(found)
    except ValidationError as error:
        raise ServiceUnavailableError(
            "the host daemon that runs is of another version",
            "`sudo systemctl restart sigmavault-hostd` starts the installed one",
        ) from error
    return plan, token


async def _applied(
    host: Host, token: str, confirmation: str, found: dict[str, bytes], empty: dict[str, int]
) -> str:
    with secrets.in_memory(found) as descriptors:
        brought = {**descriptors, **empty}
        async with password_prompt():
            path = await host.apply(token, confirmation, brought, interactive=sys.stdin.isatty())
    return await follow(host, path, sys.stderr, _width(sys.stderr.fileno()))


def _terminal() -> tuple[Any, Any] | None:
    return (sys.stdin, sys.stderr) if sys.stdin.isatty() and sys.stderr.isatty() else None


def _width(descriptor: int) -> int:
    try:
        return os.get_terminal_size(descriptor).columns or shutil.get_terminal_size().columns
    except OSError:
        return shutil.get_terminal_size().columns


def _banner(*, is_simulated: bool) -> None:
    if is_simulated:
        sys.stderr.write(Paint(is_on=sys.stderr.isatty()).bad(SIMULATED) + "\n")
        sys.stderr.flush()


def _print_plan(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(plan.model_dump_json(indent=2) + "\n")
    else:
        sys.stdout.write(render_plan(plan, Paint(is_on=sys.stdout.isatty())))


def _print_done(operation: Kind, plan: Plan, told: str, given: argparse.Namespace) -> None:
    if operation.answer_type() is not NoAnswer or given.json:
        _print_answer(operation, told, given)
    elif sys.stderr.isatty():
        sys.stderr.write(Paint(is_on=True).good("done") + "\n")


def _check_columns(operation: Kind, given: argparse.Namespace) -> None:
    """Refuse columns that there are not.

    Raises:
        InvalidRequestError: which, and which there are.
    """
    known = answers.column_names(operation.answer_type())
    for name in getattr(given, "columns", ()):
        if name not in known:
            there = f"there are {', '.join(known)}" if known else "this is no table"
            raise InvalidRequestError(f"there is no column {name[:40]!r}: {there}", param="columns")


def _print_answer(operation: Kind, text: str, given: argparse.Namespace) -> None:
    found: dict[str, JsonValue] = json.loads(text)
    if given.json:
        sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        return
    is_human = sys.stdout.isatty()
    style = answers.Style(
        is_human=is_human, paint=Paint(is_on=is_human), columns=tuple(getattr(given, "columns", ())),
        width=_width(1) if is_human else 0, header=getattr(given, "header", False),
    )  # fmt: skip
    shown = answers.render(operation.answer_type(), found, style)
    sys.stdout.write("".join(f"{line}\n" for line in shown.lines))
    if shown.left_out:
        sys.stdout.flush()
        names = ", ".join(shown.left_out)
        sys.stderr.write(
            Paint(is_on=sys.stderr.isatty()).dim(f"no room for {names}: --columns, --json") + "\n"
        )
