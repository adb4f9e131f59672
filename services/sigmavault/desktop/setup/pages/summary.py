"""The whole plan, before anything is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sigmavault.core.errors import ConfigError
from sigmavault.core.setup.plan import SetupPlan, SetupStep, plan_setup
from sigmavault.core.values import sentence
from sigmavault.desktop.setup import words
from sigmavault.desktop.setup.contract import Rehearsed
from sigmavault.desktop.setup.page import StepPage, clear, entry, fact, picture
from sigmavault.desktop.toolkit import Adw, Gtk, Pango


class SummaryPage(StepPage):
    """Every step with the command that does it."""

    TITLE = "Summary"
    FORWARD = "Set Up"

    def fill(self) -> None:
        """Empty groups; `shown` fills them."""
        self.plan = SetupPlan(steps=())
        self._fault = ""
        self._losses = self.group("What Will Be Lost")
        self._todo = self.group("What Will Be Done")
        self._there = self.group("Already in Place")
        self._steps: dict[str, Any] = {}
        self._lost: dict[str, Any] = {}
        self._rows: dict[Any, list[Any]] = {self._losses: [], self._todo: [], self._there: []}

    def shown(self) -> None:
        """Make the plan anew: answers may have changed."""
        try:
            self.plan = plan_setup(self.draft.answers(), self.draft.facts.state)
            self._fault = ""
        except ConfigError as error:
            self.plan, self._fault = SetupPlan(steps=()), error.message
        for group, rows in self._rows.items():
            clear(group, rows)
        self._steps.clear()
        self._lost = {each.id: fact(each.title, icon="dialog-warning-symbolic") for each in self.plan.losing}
        for row in self._lost.values():
            self._add(self._losses, row)
        self.draft.pool.confirm = ""
        if wanted := self.plan.confirmation:
            self._add(self._losses, entry(f"Type {wanted} to agree", "", self._confirm))
        for step in self.plan.steps:
            self._add(self._there if step.state.is_settled else self._todo, self._row(step))
        for group, rows in self._rows.items():
            group.set_visible(bool(rows))
        self.refresh()

    def _add(self, group: Any, row: Any) -> None:
        group.add(row)
        self._rows[group].append(row)

    def _row(self, step: SetupStep) -> Any:
        if step.state.is_over:
            return fact(step.title, sentence(step.reason), words.STATES[step.state][0])
        row = Adw.ExpanderRow(title=step.title, use_markup=False, title_lines=0, subtitle_lines=0)
        row.add_row(_commands([step.command]))
        self._steps[step.id] = row
        return row

    def show_rehearsal(self, told: Mapping[str, Rehearsed]) -> None:
        """Add what the host daemon says that it would do, and what would be lost by that."""
        for step_id, each in told.items():
            if step_id in self._lost:
                self._lost[step_id].set_subtitle("\n".join(each.losses))
            if (row := self._steps.get(step_id)) is None:
                continue
            refusal = [f"It would be refused: {each.refusal}"] if each.refusal else []
            row.set_subtitle("\n".join(sentence(line) for line in (*refusal, *each.warnings)))
            if each.refusal:
                row.add_prefix(picture("dialog-warning-symbolic"))
            if each.commands:
                row.add_row(_commands(each.commands))

    @property
    def is_complete(self) -> bool:
        """The answers fit together, and losses were agreed to."""
        return not self._fault and self.draft.pool.confirm == self.plan.confirmation

    @property
    def is_asked_of_the_host(self) -> bool:
        """Whether the host daemon could tell more about the plan."""
        return not self._fault and not self.plan.is_settled

    def refresh(self) -> None:
        """Also say what keeps the plan from being carried out."""
        super().refresh()
        nothing = not self._fault and self.plan.is_settled
        text = self._fault or ("Everything is so already: there is nothing to do." if nothing else "")
        self.banner.set_title(text)
        self.banner.set_revealed(bool(text))
        # also then somebody has to end it: from then on the assistant does not come by itself any more
        self.forward.set_label("Finish" if nothing else self.FORWARD)

    def _confirm(self, text: str) -> None:
        self.draft.pool.confirm = text
        self.refresh()


def _commands(lines: Sequence[str]) -> Any:
    """Command lines to read and to copy."""
    return Gtk.Label(
        label="\n".join(lines), wrap=True, wrap_mode=Pango.WrapMode.WORD_CHAR, xalign=0, selectable=True,
        hexpand=True, css_classes=["monospace", "caption"],
        margin_top=9, margin_bottom=9, margin_start=12, margin_end=12,
    )  # fmt: skip
