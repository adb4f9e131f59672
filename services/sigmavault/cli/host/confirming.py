"""Whether a person agrees to a plan: with a yes, or by typing the name of what would be lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TextIO

from sigmavault.cli.plain_text import plain_line
from sigmavault.core.errors import InvalidRequestError, NotConfirmedError
from sigmavault.core.operation import Plan, Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What was said beforehand.

    Attributes:
        yes: `--yes`.
        name: `--confirm`; None when it was not given.
    """

    yes: bool = False
    name: str | None = None

    def is_given(self, plan: Plan) -> bool:
        """Whether nothing has to be asked."""
        return (self.name is not None) if plan.confirmation else self.yes


def check(risk: Risk, consent: Consent) -> None:
    """Refuse what cannot be said of an operation, before anything is asked of the daemon.

    Raises:
        InvalidRequestError: `--yes` for what destroys.
    """
    if consent.yes and risk is Risk.DESTROY:
        raise InvalidRequestError("--yes does not hold for what destroys", hint="--confirm NAME names it")


def confirmed(plan: Plan, consent: Consent, terminal: tuple[TextIO, TextIO] | None) -> str:
    """What is sent along with the plan: the name that was typed, or nothing where a yes is enough.

    Args:
        plan: the plan, which was shown.
        consent: what was said beforehand.
        terminal: where a person is asked, to read from and to write to; None when there is none.

    Raises:
        NotConfirmedError: nobody agreed, or another name was typed.
    """
    if plan.confirmation:
        return _named(plan, consent, terminal)
    if consent.name is not None:
        raise NotConfirmedError("nothing was done: no name has to be typed here", "--yes agrees beforehand")
    if consent.yes:
        return ""
    if terminal is None:
        raise NotConfirmedError("nothing was done: nobody is there to agree", "--yes agrees beforehand")
    if _asked(terminal, "Do it? [y/N] ").lower() not in ("y", "yes"):
        raise NotConfirmedError("nothing was done")
    return ""


def _named(plan: Plan, consent: Consent, terminal: tuple[TextIO, TextIO] | None) -> str:
    name = plan.confirmation
    typed = consent.name
    if typed is None:
        if terminal is None:
            raise NotConfirmedError(
                "nothing was done: nobody is there to type the name", f"--confirm {name} types it beforehand"
            )
        typed = _asked(terminal, f"Type {plain_line(name)} to do it: ")
    if typed != name:
        raise NotConfirmedError(f"nothing was done: that is not {plain_line(name)}")
    return typed


def _asked(terminal: tuple[TextIO, TextIO], question: str) -> str:
    reads, writes = terminal
    writes.write(question)
    writes.flush()
    answer = reads.readline()
    if not answer.endswith("\n"):
        writes.write("\n")  # the end of the file, by Ctrl-D: what comes next begins its own line
    return answer.strip()
