"""What goes between the assistant and the process that works for it: JSON, one message a line.

The window's process never waits for a disk, a daemon or a password dialog; the worker does. It gets one
request on its standard input, which holds the password and nobody else can read, and answers on its
standard output until it is done.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from sigmavault.core.setup.facts import Facts
from sigmavault.core.setup.plan import SetupPlan


class Request(BaseModel):
    """What the worker shall do.

    Attributes:
        do: look at the machine; ask the host daemon what it would do; do it; or note that nobody wants to be
            asked at a login any more.
        answers: as a file of answers has them, with the password.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    do: Literal["look", "rehearse", "run", "decline"]
    answers: dict[str, Any] = {}


class Rehearsed(BaseModel):
    """What the host daemon says of a step before it is done.

    Attributes:
        commands: what it would run.
        losses: what would be lost for good, a sentence each.
        warnings: what a careful person would say, a sentence each.
        refusal: why it would not do it; empty when it would.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commands: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refusal: str = ""


class Report(BaseModel):
    """What the worker tells.

    Attributes:
        facts: the answer to `look`.
        before: along with it, what this person answered in a run that did not come to its end, without a
            password; empty where there was none.
        rehearsed: the answer to `rehearse`, by ids of steps.
        plan: how far each step is, while it runs; the last one is how it ended.
        text: what is being done right now, as a sentence.
        fraction: of the running step, 0 to 1; None where nobody can say.
        error: why it gave up, a sentence; empty otherwise.
        hint: what to do about that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    facts: Facts | None = None
    before: dict[str, Any] = {}
    rehearsed: dict[str, Rehearsed] | None = None
    plan: SetupPlan | None = None
    text: str = ""
    fraction: float | None = None
    error: str = ""
    hint: str = ""
