"""What is kept of a run: what was wished, how far it came. No secret stands in it. Pure.

The journal never decides what is done: the machine is looked at before each step. It is there so that a run
that was cut off goes on by itself or offers to, and so that the end can be told.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sigmavault.core.setup.plan import SetupPlan, StepState


class Progress(StrEnum):
    """How far setting up is, as a whole."""

    NEVER = "never"
    """Nobody has begun."""
    RUNNING = "running"
    """It was begun; if no process does it, it was cut off."""
    DONE = "done"
    INCOMPLETE = "incomplete"
    """It came to its end, and something failed."""
    DECLINED = "declined"
    """Somebody said: not now, and do not ask again."""


class StepRecord(BaseModel):
    """What became of a step."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    title: str
    state: StepState
    reason: str = ""


class Journal(BaseModel):
    """A run.

    Attributes:
        progress: how far it is.
        answers: as `Answers.public` gives them; empty before anybody answered.
        steps: in order, as they were last told.
        began: ISO 8601 UTC; empty before.
        changed: when this was written last.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Literal[1] = 1
    progress: Progress = Progress.NEVER
    answers: dict[str, Any] = {}
    steps: tuple[StepRecord, ...] = ()
    began: str = ""
    changed: str = ""

    @property
    def is_asked_for(self) -> bool:
        """Whether the assistant should be offered by itself: nobody finished it, and nobody said no."""
        return self.progress in (Progress.NEVER, Progress.RUNNING)

    @property
    def is_unfinished(self) -> bool:
        """Whether something that was wished is not there, and nobody said that it need not be."""
        return self.progress not in (Progress.DONE, Progress.DECLINED)

    def at(self, plan: SetupPlan, now: str, progress: Progress = Progress.RUNNING) -> Journal:
        """One step further."""
        records = tuple(
            StepRecord(id=each.id, title=each.title, state=each.state, reason=each.reason)
            for each in plan.steps
        )
        changes = {"steps": records, "changed": now, "began": self.began or now, "progress": progress}
        return self.model_copy(update=changes)


def ended(plan: SetupPlan) -> Progress:
    """How a run whose steps are all over has ended."""
    return Progress.DONE if plan.is_settled else Progress.INCOMPLETE


def parse_journal(text: str) -> Journal:
    """A journal that was kept; an empty one where it cannot be read: the machine says what is there."""
    try:
        return Journal.model_validate_json(text)
    except ValidationError:
        return Journal()


def report(plan: SetupPlan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was done or was there, and what was not, a sentence each."""
    settled = tuple(
        each.title + (" (was so already)" if each.state is StepState.THERE else "")
        for each in plan.steps if each.state.is_settled
    )  # fmt: skip
    rest = tuple(
        f"{each.title}: {each.reason or 'not begun'}" for each in plan.steps if not each.state.is_settled
    )
    return settled, rest
