"""Language models to download, none unless somebody says so."""

from __future__ import annotations

from typing import Any

from sigmavault.core.setup.facts import ModelOffer
from sigmavault.core.values import format_bytes
from sigmavault.desktop.setup import words
from sigmavault.desktop.setup.page import Complaint, StepPage, fact, switch


class ModelsPage(StepPage):
    """Each model with what it takes."""

    TITLE = "Language Models"

    def fill(self) -> None:
        """Those that are here, those that are proposed, all others."""
        offers = self.draft.facts.models
        here = [each for each in offers if each.is_here]
        proposed = [each for each in offers if each.is_proposed and not each.is_here]
        others = [each for each in offers if not each.is_here and not each.is_proposed]
        self._list("Already Here", "", here)
        self._list("Proposed for This Machine", "Downloaded from the internet, if you like.", proposed)
        self._place = self.group()
        self._place.add(
            switch(
                "Keep models on the system disk",
                "There is no storage pool; they may fill the disk.",
                self._on_system_disk,
                active=self.draft.models_on_system_disk,
            )
        )
        self._wrong = Complaint()
        self._place.add(self._wrong)
        self._list("Other Models", "", others)

    def _list(self, title: str, description: str, offers: list[ModelOffer]) -> None:
        if not offers:
            return
        group = self.group(title, description)
        for offer in offers:
            group.add(self._row(offer))

    def _row(self, offer: ModelOffer) -> Any:
        if offer.is_here:
            return fact(offer.name, words.model_subtitle(offer), "object-select-symbolic")
        row = switch(
            offer.name, words.model_subtitle(offer), lambda on: self._load(offer.id, is_wanted=on),
            active=offer.id in self.draft.models,
        )  # fmt: skip
        row.set_subtitle_lines(0)
        row.set_sensitive(not offer.why_not)
        return row

    @property
    def is_complete(self) -> bool:
        """Every model has a place."""
        return not self.draft.models_fault()

    def refresh(self) -> None:
        """Ask about the system disk where there is no other place; tell the sum of the downloads."""
        super().refresh()
        self._place.set_visible(self.draft.asks_for_system_disk)
        self._wrong.say(self.draft.models_fault())
        sizes = [each.size_bytes or 0 for each in self.draft.facts.models if each.id in self.draft.models]
        self.banner.set_title(f"{format_bytes(sum(sizes))} will be downloaded" if sizes else "")
        self.banner.set_revealed(bool(sizes))

    def _load(self, model: str, *, is_wanted: bool) -> None:
        if is_wanted:
            self.draft.models.add(model)
        else:
            self.draft.models.discard(model)
        self.refresh()

    def _on_system_disk(self, may: bool) -> None:  # noqa: FBT001 - the row calls it with the one value
        self.draft.models_on_system_disk = may
        self.refresh()
