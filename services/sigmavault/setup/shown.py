"""A plan and its end as lines of text, for a console and for a pipe. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sigmavault.cli.plain_text import plain_line
from sigmavault.core.setup.journal import Journal, Progress, report
from sigmavault.core.setup.plan import SetupPlan, SetupStep, StepState
from sigmavault.setup.carry_out import Rehearsal

MARKS: Mapping[StepState, str] = {
    StepState.WAITING: " ", StepState.RUNNING: ">", StepState.DONE: "+", StepState.THERE: "=",
    StepState.FAILED: "!", StepState.SKIPPED: "-",
}  # fmt: skip
"""One sign in front of each step: a console has no colours to rely on."""

_WORDS: Mapping[Progress, str] = {
    Progress.NEVER: "This machine was not set up yet.",
    Progress.RUNNING: "Setting this machine up was begun and has not come to its end.",
    Progress.DONE: "This machine is set up.",
    Progress.INCOMPLETE: "This machine was set up, but for what is marked with `!` and `-`.",
    Progress.DECLINED: "Nobody wants to be asked; `sigmavault setup` asks all the same.",
}


def step_line(step: SetupStep) -> str:
    """One step: its mark, its sentence, and why it is as it is."""
    reason = f": {plain_line(step.reason)}" if step.reason else ""
    there = " (is so already)" if step.state is StepState.THERE else ""
    return f"{MARKS[step.state]} {plain_line(step.title)}{there}{reason}"


def plan_lines(plan: SetupPlan, rehearsed: Mapping[str, Rehearsal] | None = None) -> Iterator[str]:
    """What would be done, in order, each with its command; what is lost at the end."""
    for step in plan.steps:
        yield step_line(step)
        if step.state is not StepState.WAITING:
            continue
        yield f"    {plain_line(step.command)}"
        told = (rehearsed or {}).get(step.id, Rehearsal())
        if told.refusal:
            yield f"    ! it would be refused: {plain_line(told.refusal)}"
        yield from (f"      {plain_line(each)}" for each in told.commands)
        yield from (f"    note: {plain_line(each)}" for each in told.warnings)
    if not plan.steps:
        yield "Nothing was asked for."
    if lost := losses(plan, rehearsed or {}):
        yield from ("", "LOST FOR GOOD", *(f"  {each}" for each in lost))


def losses(plan: SetupPlan, rehearsed: Mapping[str, Rehearsal]) -> tuple[str, ...]:
    """What is lost, in the host daemon's words where it was asked."""
    told = tuple(each for one in rehearsed.values() for each in one.losses)
    return tuple(map(plain_line, told or plan.losses))


def end_lines(plan: SetupPlan) -> Iterator[str]:
    """What was done and what was not."""
    done, not_done = report(plan)
    if done:
        yield from ("Done", *(f"  {plain_line(each)}" for each in done))
    if not_done:
        yield from ("Not done", *(f"  {plain_line(each)}" for each in not_done))
        yield "`sigmavault setup` can be run again: it does only what is missing."
    else:
        yield "Everything is as it was wished."


def status_lines(journal: Journal) -> Iterator[str]:
    """How far setting up is."""
    yield _WORDS[journal.progress]
    for each in journal.steps:
        reason = f": {plain_line(each.reason)}" if each.reason else ""
        yield f"  {MARKS[each.state]} {plain_line(each.title)}{reason}"
