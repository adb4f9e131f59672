"""The folders that other computers see."""

from __future__ import annotations

from sigmavault.core.setup.answers import SharedFolder, complaint
from sigmavault.core.storage.presets import Preset
from sigmavault.desktop.setup import words
from sigmavault.desktop.setup.draft import Folder
from sigmavault.desktop.setup.page import Complaint, StepPage, choice, entry, switch


class FoldersPage(StepPage):
    """Shares, each in a dataset of its own."""

    TITLE = "Shared Folders"

    def fill(self) -> None:
        """Usual folders to switch on, and one's own."""
        self._group = self.group("Folders", "Windows, macOS and Linux find them in the network.")
        self._own = entry("Another folder", "", self._typed)
        self._own.set_show_apply_button(True)
        self._own.set_activates_default(False)
        self._own.connect("apply", lambda _row: self._add())
        self._group.add(self._own)
        for folder in self.draft.folders:
            self._show(folder)
        self._wrong = Complaint()
        self._group.add(self._wrong)
        self._access = self.group("Other People")
        self._access.add(
            choice(
                "Other users of this NAS",
                list(words.EVERYBODY.values()),
                list(words.EVERYBODY).index(self.draft.everybody),
                self._everybody,
            )
        )

    def _show(self, folder: Folder) -> None:
        """A row for a folder, above the one to type into."""
        row = switch(
            folder.name, words.PRESETS[folder.preset], lambda on: self._share(folder, is_shared=on),
            active=folder.is_wanted,
        )  # fmt: skip
        self._group.remove(self._own)
        self._group.add(row)
        self._group.add(self._own)

    def refresh(self) -> None:
        """Say why nothing can be shared, where that is so."""
        super().refresh()
        place, writer = self.draft.place_of_folders, self.draft.writer
        self._group.set_sensitive(bool(place))
        self._group.set_title(f"Folders in {place}" if place else "Folders")
        if not place:
            self._tell("Folders need a storage pool. They can be shared later.")
        elif not writer and self.draft.everybody != "write":
            self._tell("Nobody could write to the folders: make an account, or let other users write.")
        else:
            self.banner.set_revealed(False)
        may = f" {writer} may read and write." if writer else ""
        self._access.set_description(f"What everybody else with an account may do.{may}")

    def _tell(self, text: str) -> None:
        self.banner.set_title(text)
        self.banner.set_revealed(True)

    def _share(self, folder: Folder, *, is_shared: bool) -> None:
        folder.is_wanted = is_shared

    def _everybody(self, at: int) -> None:
        self.draft.everybody = list(words.EVERYBODY)[at]
        self.refresh()

    def _typed(self, text: str) -> None:
        self._wrong.say(self._fault(text))

    def _fault(self, text: str) -> str:
        if not text:
            return ""
        if text.lower() in {each.name.lower() for each in self.draft.folders}:
            return "There is a folder of this name already"
        wrong = complaint(SharedFolder, "name", text)
        return f"The name {wrong}" if wrong else ""

    def _add(self) -> None:
        text = self._own.get_text().strip()
        if not text or self._fault(text):
            return
        folder = Folder(name=text, preset=Preset.DOCUMENTS, is_wanted=True)
        self.draft.folders.append(folder)
        self._show(folder)
        self._own.set_text("")
