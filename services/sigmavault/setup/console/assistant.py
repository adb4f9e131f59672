"""The assistant, first page to last: asks, shows the whole plan, carries it out, tells the end."""

from __future__ import annotations

import asyncio
import curses
from collections.abc import Callable

from sigmavault.cli.exit_code import ExitCode
from sigmavault.cli.host.client import Host, connect
from sigmavault.core.errors import ServiceUnavailableError, SetupIncompleteError
from sigmavault.core.setup.journal import report
from sigmavault.core.setup.plan import SetupPlan, plan_setup
from sigmavault.setup import shown
from sigmavault.setup.carry_out import Hands, Rehearsal, Told, carry_out, rehearse
from sigmavault.setup.console import pages
from sigmavault.setup.console.page import Button, Field, Item, Page, Text
from sigmavault.setup.console.pages import Draft
from sigmavault.setup.console.screen import Screen, with_screen
from sigmavault.setup.downloads import Models
from sigmavault.setup.keeping import Kept
from sigmavault.setup.look import read_facts, read_state
from sigmavault.system.polkit_agent import password_prompt

type Make = Callable[[Draft], Page]


def assist(kept: Kept, *, is_dry: bool) -> int:
    """Run it at this terminal; the exit code.

    Args:
        kept: the journal.
        is_dry: stop before anything is done.

    Raises:
        ServiceUnavailableError: the host daemon does not answer.
        SetupIncompleteError: not everything could be done.
    """
    with asyncio.Runner() as runner, connect() as host:
        person = _Person(runner, host, kept, is_dry=is_dry)
        try:
            return with_screen(person.work)
        except curses.error as error:
            raise ServiceUnavailableError(
                f"this terminal cannot show the assistant: {error}",
                hint="`sigmavault setup --answers FILE` needs no terminal",
            ) from error


class _Person:
    """Somebody at the console, and how far they are."""

    def __init__(self, runner: asyncio.Runner, host: Host, kept: Kept, *, is_dry: bool) -> None:
        self._runner, self._host, self._kept, self._is_dry = runner, host, kept, is_dry
        self._models = Models()

    def work(self, screen: Screen) -> int:
        """From the first page to the last."""
        # nothing is looked at or measured before somebody is there: this may stand on a console for months
        if (word := screen.show(pages.welcome(), "")) != "next":
            return self._left(word)
        screen.tell("SigmaVault", ["Looking at this machine ..."])
        facts = self._runner.run(read_facts(self._host, self._models))
        draft = Draft(facts=facts, data=dict(self._kept.journal.answers) if _goes_on(self._kept) else {})
        draft.data.pop("version", None)
        screen.banner = "SIMULATED MACHINE" if facts.is_simulated else ""
        word = self._ask(screen, draft)
        if word != "done" or self._is_dry:
            return self._left(word)
        return self._carry_out(screen, draft)

    def _left(self, word: str) -> int:
        if word == "never":
            self._kept.decline()
        return ExitCode.OK

    def _ask(self, screen: Screen, draft: Draft) -> str:
        """All pages; how they were left: `done` or `later`."""
        at = 0
        while True:
            makers = _makers(draft)
            if at >= len(makers):
                word = self._agree(screen, draft)
            else:
                word = screen.show(makers[at](draft), f"{at + 1} of {len(makers) + 1}")
            if word in ("later", "done"):
                return word
            step = -1 if word == "back" else 1
            at = max(0, min(at + step, len(makers)))

    def _agree(self, screen: Screen, draft: Draft) -> str:
        """The last page: everything that will be done, and the name to be typed where data is lost."""
        answers = draft.answers()
        plan = plan_setup(answers, self._runner.run(read_state(self._host, self._models)))
        told = self._runner.run(rehearse(plan, self._host))
        name = Field(label="Type the pool's name") if plan.confirmation else None

        def check() -> str:
            draft.typed = name.value if name is not None else ""
            if name is not None and name.value != plan.confirmation:
                return f"Type {plan.confirmation} to agree that this data is lost."
            return ""

        return _done(screen.show(_last_page(plan, told, name, check, is_dry=self._is_dry), "the plan"))

    def _carry_out(self, screen: Screen, draft: Draft) -> int:
        def tell(told: Told) -> None:
            lines = [shown.step_line(each) for each in told.plan.steps]
            screen.tell("Setting up", [*lines, "", told.text], told.fraction)

        hands = Hands(host=self._host, models=self._models, kept=self._kept, tell=tell, is_interactive=True)
        plan = self._runner.run(_attended(draft, hands))
        screen.show(_end_page(plan), "")
        if not plan.is_settled:
            raise SetupIncompleteError("not everything was done: " + "; ".join(report(plan)[1]))
        return ExitCode.OK


async def _attended(draft: Draft, hands: Hands) -> SetupPlan:
    async with password_prompt():
        return await carry_out(draft.answers(), draft.typed, hands)


def _goes_on(kept: Kept) -> bool:
    """Whether what was answered before is where a person goes on."""
    return bool(kept.journal.answers)


def _done(word: str) -> str:
    return "done" if word == "next" else word


def _makers(draft: Draft) -> list[Make]:
    """The pages that make sense with what was answered so far, in order."""
    found: list[Make] = [
        pages.name_and_place, pages.administrator, pages.network, pages.this_machine,
        pages.disks,
    ]  # fmt: skip
    found += [pages.pool] if draft.data.get("pool") else []
    found += [pages.shares] if pages.has_pool(draft) else []
    return [*found, pages.models]


def _last_page(
    plan: SetupPlan, told: dict[str, Rehearsal], name: Field | None, check: Callable[[], str], *, is_dry: bool
) -> Page:
    items: list[Item] = [
        Text(text=line.strip(), indent=_indent(line)) for line in shown.plan_lines(plan, told)
    ]
    label = "End here: nothing is done" if is_dry else "Do it"
    return Page(
        title="Everything that will be done", check=check,
        items=[*items, Text(text=""), *([name] if name is not None else []),
               Button(label=label, word="next"), Button(label="Back", word="back"),
               Button(label="Not now", word="later")],
    )  # fmt: skip


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _end_page(plan: SetupPlan) -> Page:
    items: list[Item] = [Text(text=line.strip(), indent=_indent(line)) for line in shown.end_lines(plan)]
    return Page(
        title="The end", can_go_back=False,
        items=[*items, Text(text=""), Button(label="Finish", word="next")],
    )  # fmt: skip
