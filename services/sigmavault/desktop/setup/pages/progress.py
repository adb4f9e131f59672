"""The plan while it is carried out."""

from __future__ import annotations

from typing import Any

from sigmavault.core.setup.plan import SetupPlan, SetupStep, StepState
from sigmavault.core.values import capital, sentence
from sigmavault.desktop.setup import words
from sigmavault.desktop.setup.page import StepPage, fact
from sigmavault.desktop.toolkit import Adw, Gtk


class ProgressPage(StepPage):
    """A bar for the whole, a row for each step. There is no way back from here, and none on by hand."""

    TITLE = "Setting Up"

    def fill(self) -> None:
        """The bar; the steps come with the first plan."""
        self.set_can_pop(False)
        self.forward.set_visible(False)
        group = self.group()
        self._bar = Gtk.ProgressBar(show_text=True, margin_top=6, margin_bottom=6)
        self._bar.update_property([Gtk.AccessibleProperty.LABEL], ["Progress of setting up"])
        group.add(self._bar)
        self._steps = self.group("Steps")
        self._rows: dict[str, Any] = {}
        self._icons: dict[str, Any] = {}

    def show_plan(self, plan: SetupPlan, text: str = "", fraction: float | None = None) -> None:
        """Show how far each step is.

        Args:
            plan: with the state of each step.
            text: what is being done right now, as a sentence.
            fraction: of the running step, 0 to 1; None where nobody can say.
        """
        for step in plan.steps:
            if step.id not in self._rows:
                self._add(step)
            self._show(step, text, fraction)
        over = sum(each.state.is_over for each in plan.steps)
        self._bar.set_fraction((over + (fraction or 0.0)) / len(plan.steps) if plan.steps else 1.0)
        self._bar.set_text(f"{over} of {len(plan.steps)}")

    def _add(self, step: SetupStep) -> None:
        row, icon = fact(step.title), Gtk.Stack(hhomogeneous=False, valign=Gtk.Align.CENTER)
        icon.add_named(Adw.Spinner(), "spinner")
        icon.add_named(Gtk.Image(accessible_role=Gtk.AccessibleRole.PRESENTATION), "image")
        row.add_suffix(icon)
        self._rows[step.id], self._icons[step.id] = row, icon
        self._steps.add(row)

    def _show(self, step: SetupStep, text: str, fraction: float | None) -> None:
        icon, word = words.STATES[step.state]
        if step.state is StepState.RUNNING:
            part = "" if fraction is None else f"{fraction:.0%}: "
            word = capital(f"{part}{text if text and text != step.title else word}")
        self._rows[step.id].set_subtitle(sentence(step.reason) or word)
        stack = self._icons[step.id]
        stack.get_child_by_name("image").set_from_icon_name(icon)
        stack.set_visible_child_name("spinner" if step.state is StepState.RUNNING else "image")
