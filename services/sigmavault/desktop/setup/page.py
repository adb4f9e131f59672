"""What all pages of the assistant have in common, and the rows they are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sigmavault.desktop.setup.draft import Draft
from sigmavault.desktop.toolkit import Adw, Gtk


class StepPage(Adw.NavigationPage):
    """A page: a header with the way back (by itself) and the way on, and groups of rows below it.

    A page writes into the draft as soon as something changes, and then calls `refresh`.
    """

    TITLE = ""
    FORWARD = "Next"

    def __init__(self, draft: Draft, forward: Callable[[], None]) -> None:
        super().__init__(title=self.TITLE, tag=type(self).__name__)
        self.draft = draft
        self.heading = Adw.WindowTitle(title=self.TITLE)
        self.forward = Gtk.Button(label=self.FORWARD, css_classes=["suggested-action"])
        self.forward.connect("clicked", lambda _button: forward())
        header = Adw.HeaderBar(title_widget=self.heading)
        header.pack_end(self.forward)
        self.banner = Adw.Banner()
        self.preferences = Adw.PreferencesPage()
        view = Adw.ToolbarView(content=self.preferences)
        view.add_top_bar(header)
        view.add_top_bar(self.banner)
        self.set_child(view)
        self.fill()
        self.refresh()

    def fill(self) -> None:
        """Make the rows; once."""
        raise NotImplementedError

    def shown(self) -> None:
        """It has come to the front: what other pages decide may have changed."""
        self.refresh()

    def refresh(self) -> None:
        """Say what is wrong, and let nobody go on before it is right."""
        self.forward.set_sensitive(self.is_complete)

    @property
    def is_complete(self) -> bool:
        """Whether the person may go on."""
        return True

    def group(self, title: str = "", description: str = "") -> Adw.PreferencesGroup:
        """A new group at the end of the page."""
        found = Adw.PreferencesGroup(title=title, description=description)
        self.preferences.add(found)
        return found


class Complaint(Gtk.Label):
    """A sentence below a group that says what is wrong; not there while all is right."""

    def __init__(self) -> None:
        super().__init__(
            wrap=True, xalign=0, margin_top=6, margin_start=12, margin_end=12, visible=False,
            css_classes=["error", "caption"],
        )  # fmt: skip

    def say(self, text: str) -> None:
        """Show a sentence without its full stop, or nothing; a screen reader tells it as well."""
        text = f"{text}." if text else ""
        if text and text != self.get_text():
            self.announce(text, Gtk.AccessibleAnnouncementPriority.MEDIUM)
        self.set_text(text)
        self.set_visible(bool(text))


def entry(title: str, text: str, changed: Callable[[str], None], *, secret: bool = False) -> Any:
    """A row to type into; `changed` gets what stands there without spaces around it, a secret as it is."""
    kind = Adw.PasswordEntryRow if secret else Adw.EntryRow
    row = kind(title=title, text=text, activates_default=True, use_markup=False)
    row.connect("changed", lambda each: changed(each.get_text() if secret else each.get_text().strip()))
    return row


def switch(title: str, subtitle: str, changed: Callable[[bool], None], *, active: bool) -> Any:
    """A row with a switch."""
    row = Adw.SwitchRow(title=title, subtitle=subtitle, active=active, use_markup=False)
    row.connect("notify::active", lambda each, _what: changed(each.get_active()))
    return row


def fact(title: str, subtitle: str = "", icon: str = "", *, dim: bool = False) -> Any:
    """A row that only tells something."""
    row = Adw.ActionRow(title=title, subtitle=subtitle, use_markup=False, subtitle_lines=0, title_lines=0)
    if icon:
        row.add_prefix(picture(icon))
    row.set_sensitive(not dim)
    return row


def picture(icon: str) -> Any:
    """A small symbolic icon beside words that say the same: a screen reader passes it over."""
    return Gtk.Image(icon_name=icon, accessible_role=Gtk.AccessibleRole.PRESENTATION)


def choice(title: str, words: list[str], selected: int, changed: Callable[[int], None]) -> Any:
    """A row with a list to choose one from."""
    row = Adw.ComboRow(title=title, model=Gtk.StringList.new(words), use_markup=False, subtitle_lines=0)
    row.set_selected(selected)
    row.connect("notify::selected", lambda each, _what: changed(each.get_selected()))
    return row


def clear(group: Any, rows: list[Any]) -> None:
    """Take rows out of a group, and out of the list that keeps them."""
    while rows:
        group.remove(rows.pop())
