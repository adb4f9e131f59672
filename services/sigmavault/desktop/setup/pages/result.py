"""What was done, and what was not."""

from __future__ import annotations

from sigmavault.core.setup.plan import SetupPlan
from sigmavault.core.values import sentence
from sigmavault.desktop.setup import words
from sigmavault.desktop.setup.page import StepPage, fact, picture
from sigmavault.desktop.toolkit import Gtk


class ResultPage(StepPage):
    """The last page."""

    TITLE = "Done"
    FORWARD = "Close"

    def fill(self) -> None:
        """What there is to say comes with the plan."""
        self.set_can_pop(False)

    def show_plan(self, plan: SetupPlan, failure: str) -> None:
        """Show the end.

        Args:
            plan: with the last state of each step.
            failure: why it was broken off; empty when it came to its end.
        """
        is_settled = plan.is_settled and not failure
        title = "This SigmaVault Is Set Up" if is_settled else "Not Everything Was Done"
        self.heading.set_title("Done" if is_settled else "Not Done")
        again = "Open “Set Up SigmaVault” again at any time: what is there already is left as it is."
        head = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, margin_top=12, margin_bottom=12)
        icon = picture("object-select-symbolic" if is_settled else "dialog-warning-symbolic")
        icon.set_pixel_size(64)
        icon.set_css_classes(["success" if is_settled else "warning"])
        head.append(icon)
        for text, style in ((title, "title-1"), (failure or again, "body")):
            head.append(
                Gtk.Label(label=text, wrap=True, justify=Gtk.Justification.CENTER, css_classes=[style])
            )
        self.group().add(head)
        self._list("Not Done", plan, settled=False)
        self._list("Done", plan, settled=True)

    def _list(self, title: str, plan: SetupPlan, *, settled: bool) -> None:
        steps = [each for each in plan.steps if each.state.is_settled is settled]
        if not steps:
            return
        group = self.group(title)
        for step in steps:
            icon, word = words.STATES[step.state]
            group.add(fact(step.title, sentence(step.reason) or word, icon))
