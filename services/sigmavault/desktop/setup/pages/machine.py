"""What this machine is for language models, and why."""

from __future__ import annotations

from sigmavault.core.setup.facts import tier_in_words
from sigmavault.desktop.setup.page import StepPage, fact


class MachinePage(StepPage):
    """Nothing to answer: what was found."""

    TITLE = "Your Machine"

    def fill(self) -> None:
        """The tier with its reasons."""
        tier = self.draft.facts.tier
        if tier is None:
            self.group("Language Models", "The list of models cannot be read; everything else works.")
            return
        first, *reasons = tier_in_words(tier)
        group = self.group("Language Models", first)
        for reason in reasons:
            group.add(fact(reason))
        files = self.group("File Serving")
        files.add(
            fact(
                "Files come first",
                "While folders are in use, the model gives way and takes less of the processor.",
                "folder-symbolic",
            )
        )
