"""Carries a plan out: one step after another, the machine looked at before each.

A step is never begun because a journal lacks it, only because the machine does. What a power cut left running
(a job of the host daemon goes on when its caller is gone) is waited for before anything new is asked.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sigmavault.cli.host import secrets
from sigmavault.cli.host.client import Host, Job
from sigmavault.contract.host1 import JobState
from sigmavault.contract.models1 import DownloadState
from sigmavault.core.errors import (
    NotConfirmedError,
    ObjectBusyError,
    OutcomeUnknownError,
    ServiceUnavailableError,
    SigmaVaultError,
)
from sigmavault.core.operation import Plan
from sigmavault.core.operation.surfaces import camel, dbus_interface, noun, verb
from sigmavault.core.setup.answers import Answers
from sigmavault.core.setup.journal import Progress, ended
from sigmavault.core.setup.plan import DOWNLOAD, SetupPlan, SetupStep, StepState, plan_setup
from sigmavault.operations import registry
from sigmavault.setup.downloads import Models, how_far
from sigmavault.setup.keeping import Kept
from sigmavault.setup.look import read_state

_PAUSE_S: Final = 0.2
_DOWNLOAD_PAUSE_S: Final = 1.0
_COMES_BACK_S: Final = 60.0
"""How long the host daemon may take to be started anew, and how long a busy object is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How far it is.

    Attributes:
        plan: all steps, with their states.
        text: what is being done right now, as a sentence.
        fraction: of the running step, 0 to 1; None where nobody can say.
    """

    plan: SetupPlan
    text: str = ""
    fraction: float | None = None


type Listener = Callable[[Told], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What a run works with.

    Attributes:
        host: the host daemon.
        models: the model daemon.
        kept: the journal.
        tell: hears of every change; in the thread of the loop.
        is_interactive: whether polkit may ask a person for a password.
    """

    host: Host
    models: Models
    kept: Kept
    tell: Listener
    is_interactive: bool = False


async def carry_out(answers: Answers, typed: str, hands: Hands) -> SetupPlan:
    """Do everything that is not done yet; the plan with what became of each step.

    A step that fails does not stop those that do not need it. Nothing is begun where data would be lost and
    the name was not typed.

    Args:
        answers: what is wished.
        typed: what a person typed for `SetupPlan.confirmation`.
        hands: what to work with.

    Raises:
        NotConfirmedError: the name was not typed; nothing was done.
        ServiceUnavailableError: the host daemon does not answer.
    """
    plan = plan_setup(answers, await read_state(hands.host, hands.models))
    if plan.confirmation != (typed if plan.confirmation else ""):
        raise NotConfirmedError(
            "nothing was done: data would be lost, and that was not confirmed",
            f"confirm it with the name of the pool: {plan.confirmation}",
        )
    hands.kept.begin(answers)
    hands.kept.note(plan, Progress.RUNNING)
    hands.tell(Told(plan=plan))
    for step_id in [each.id for each in plan.steps]:
        plan = await _settle(answers, plan, step_id, hands)
        hands.kept.note(plan, Progress.RUNNING)
        hands.tell(Told(plan=plan))
    hands.kept.note(plan, ended(plan))
    return plan


async def _settle(answers: Answers, plan: SetupPlan, step_id: str, hands: Hands) -> SetupPlan:
    """One step, from a fresh look to its end."""
    if plan.step(step_id).state.is_over:
        return plan
    if (lacking := plan.lacking(plan.step(step_id))) is not None:
        reason = f"it needs what was not done: {lacking.title}"
        return plan.with_step(plan.step(step_id).now(StepState.SKIPPED, reason))
    try:
        step = await _now(answers, step_id, hands)
        if step.state.is_over:
            return plan.with_step(step)
        plan = plan.with_step(step.now(StepState.RUNNING))
        hands.kept.note(plan, Progress.RUNNING)
        hands.tell(Told(plan=plan, text=step.title))
        await _do(answers, plan, step, hands)
        return plan.with_step(step.now(StepState.DONE))
    except SigmaVaultError as error:
        reason = f"{error.message} ({error.hint})" if error.hint else error.message
        return plan.with_step(plan.step(step_id).now(StepState.FAILED, reason))


async def _now(answers: Answers, step_id: str, hands: Hands) -> SetupStep:
    """A step as the machine has it now; a daemon that is being started anew is waited for."""
    until = _clock() + _COMES_BACK_S
    while True:
        try:
            return plan_setup(answers, await read_state(hands.host, hands.models)).step(step_id)
        except ServiceUnavailableError:
            if _clock() > until:
                raise
        await asyncio.sleep(_PAUSE_S)


def _clock() -> float:
    return asyncio.get_running_loop().time()


async def _do(answers: Answers, plan: SetupPlan, step: SetupStep, hands: Hands) -> None:
    def tell(text: str, fraction: float | None) -> None:
        hands.tell(Told(plan=plan, text=text, fraction=fraction))

    if step.operation == DOWNLOAD:
        if answers.models_on_system_disk:
            await hands.models.allow_system_disk()
        await _download(str(step.arguments["id"]), hands.models, tell)
        return
    until = _clock() + _COMES_BACK_S
    while True:
        try:
            await _follow(hands.host, await _begin(step, _secrets(answers, step), hands), tell)
            return
        except (ObjectBusyError, OutcomeUnknownError, ServiceUnavailableError):
            # busy: most likely with ours, of a run that was cut off. Unknown: the reply was lost. Either way
            # the machine is looked at, and what it lacks is asked for anew; the daemon refuses half a thing.
            if _clock() > until:
                raise
        await asyncio.sleep(_PAUSE_S)
        step = await _now(answers, step.id, hands)
        if step.state.is_settled:
            return


async def _begin(step: SetupStep, secret: dict[str, bytes], hands: Hands) -> str:
    """Plan it, check that the daemon's plan loses no more than was agreed to, and apply it."""
    plan, token = await _planned(step, hands.host)
    if plan.losses and not step.is_destructive:
        raise NotConfirmedError(f"it would lose data, which nobody agreed to: {'; '.join(plan.losses)}")
    typed = step.confirmation if plan.confirmation else ""
    with secrets.in_memory({name: secret[name] for name in plan.secrets}) as descriptors:
        return await hands.host.apply(token, typed, descriptors, interactive=hands.is_interactive)


def _secrets(answers: Answers, step: SetupStep) -> dict[str, bytes]:
    who = answers.administrator
    if not step.secrets or who is None or who.password is None:
        return {}
    return {name: who.password.get_secret_value().encode() for name in step.secrets}


async def _follow(host: Host, path: str, tell: Callable[[str, float | None], None]) -> None:
    """Wait for a job; a daemon that died is started anew by being asked, and tells what became of it."""
    job = await _look(host, path)
    while job.state is JobState.RUNNING:
        tell(job.text, job.fraction)
        await asyncio.sleep(_PAUSE_S)
        job = await _look(host, path)
    if job.state is JobState.DONE:
        return
    if job.state is JobState.UNKNOWN:
        raise OutcomeUnknownError(job.error.message if job.error else "nobody can tell how it ended")
    raise job.error or SigmaVaultError("it failed, and the host daemon does not say why")


async def _look(host: Host, path: str) -> Job:
    until = asyncio.get_running_loop().time() + _COMES_BACK_S
    while True:
        try:
            return await host.job(path)
        except ServiceUnavailableError:
            if asyncio.get_running_loop().time() > until:
                raise
        await asyncio.sleep(_PAUSE_S)


async def _download(model: str, models: Models, tell: Callable[[str, float | None], None]) -> None:
    """Wait until a model is here; the daemon goes on by itself when nobody waits any more."""
    await models.download(model)
    while model not in await models.here():
        row = next((each for each in await models.queue() if each.id == model), None)
        if row is not None and row.state is DownloadState.FAILED:
            raise SigmaVaultError(row.reason or "the download failed")
        if row is not None:
            tell(how_far(row), row.bytes / row.size if row.size else None)
        elif model not in await models.here():  # it may have come to its end between the two questions
            raise SigmaVaultError("somebody has cancelled the download")
        await asyncio.sleep(_DOWNLOAD_PAUSE_S)


# --- beforehand ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What the host daemon says of a step before it is done.

    Attributes:
        commands: what it would run.
        losses: what would be lost for good, a sentence each.
        warnings: what a careful person would say, a sentence each.
        refusal: why it would not do it; empty when it would.
    """

    commands: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refusal: str = ""


async def rehearse(plan: SetupPlan, host: Host) -> dict[str, Rehearsal]:
    """Ask the host daemon for its plans of the steps that need nothing which is not there yet; by step id."""
    found = {}
    for step in plan.steps:
        needs_more = any(not plan.step(each).state.is_settled for each in step.needs)
        if step.state is StepState.WAITING and step.operation != DOWNLOAD and not needs_more:
            found[step.id] = await _rehearsed(step, host)
    return found


async def _rehearsed(step: SetupStep, host: Host) -> Rehearsal:
    try:
        plan, _token = await _planned(step, host)
    except ServiceUnavailableError:
        raise
    except SigmaVaultError as error:
        return Rehearsal(refusal=f"{error.message} ({error.hint})" if error.hint else error.message)
    commands = tuple(shlex.join(each.argv) for each in plan.steps if each.argv)
    return Rehearsal(commands=commands, losses=plan.losses, warnings=plan.warnings)


async def _planned(step: SetupStep, host: Host) -> tuple[Plan, str]:
    operation = registry.find(step.operation)
    interface, method = dbus_interface(noun(operation)), camel(verb(operation))
    text, token = await host.plan(interface, method, json.dumps(dict(step.arguments)))
    return Plan.model_validate_json(text), token
