"""A plan as text for the person who has to agree to it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from sigmavault.cli.paint import Paint
from sigmavault.cli.plain_text import plain, plain_line
from sigmavault.core.operation import Plan, Step, Target

SIMULATED = "SIMULATED MACHINE: nothing here is real"


def render_plan(plan: Plan, paint: Paint) -> str:
    """All of a plan: what happens, to what, by which commands, what is lost."""
    return "\n".join(_lines(plan, paint)) + "\n"


def render_brief(plan: Plan, paint: Paint) -> str:
    """What somebody must see who has agreed already: the sentence, the losses, the warnings."""
    return "\n".join((plain_line(plan.summary), *_dangers(plan, paint))) + "\n"


def _lines(plan: Plan, paint: Paint) -> Iterator[str]:
    yield plain_line(plan.summary)
    if plan.targets:
        yield from ("", "Objects")
        yield from (f"  {line}" for line in _targets(plan.targets, paint))
    if plan.steps:
        yield from ("", "Steps")
        for number, step in enumerate(plan.steps, 1):
            yield from _step(number, step, paint)
    if plan.dry_run.strip():
        yield from ("", "What the tool says it would do")
        yield from (f"  {line}" for line in plain(plan.dry_run).strip("\n").splitlines())
    yield from _dangers(plan, paint)
    for note in plan.notes:
        yield from ("", paint.dim(plain_line(note)))


def _targets(targets: tuple[Target, ...], paint: Paint) -> Iterator[str]:
    width = max(len(each.kind) + 1 + len(plain_line(each.name)) for each in targets)
    for each in targets:
        facts = [plain_line(fact) for fact in each.facts.values() if fact and fact != each.identity]
        word = {"disk": "serial", "pool": "GUID", "dataset": "GUID", "snapshot": "GUID"}.get(each.kind, "")
        identity = plain_line(f"{word} {each.identity}".strip())
        if each.identity and each.identity != each.name:
            facts.insert(0, identity)
        name = f"{each.kind} {plain_line(each.name)}".ljust(width)
        yield f"{name}  {paint.dim(', '.join(facts))}".rstrip()


def _step(number: int, step: Step, paint: Paint) -> Iterator[str]:
    yield f"  {number}. {plain_line(step.text)}"
    if step.argv:
        secret = f"   ({step.secret} by its input)" if step.secret else ""
        yield paint.dim(f"     {plain_line(shlex.join(step.argv))}{secret}")


def _dangers(plan: Plan, paint: Paint) -> Iterator[str]:
    if plan.losses:
        yield from ("", paint.bad("LOST FOR GOOD"))
        yield from (paint.bad(f"  {plain_line(each)}") for each in plan.losses)
    if plan.warnings:
        yield from ("", "Warnings")
        yield from (f"  {plain_line(each)}" for each in plan.warnings)
