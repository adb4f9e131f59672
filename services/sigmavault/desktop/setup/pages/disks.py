"""The disks that were found, and the pool that is proposed for them."""

from __future__ import annotations

from typing import Any

from sigmavault.core.setup.facts import DiskFact
from sigmavault.core.values import format_bytes
from sigmavault.desktop.setup import words
from sigmavault.desktop.setup.page import Complaint, StepPage, choice, clear, entry, fact, switch
from sigmavault.desktop.toolkit import Gtk


class DisksPage(StepPage):
    """A pool of whole disks; may be skipped."""

    TITLE = "Storage"

    def fill(self) -> None:
        """The pool, its disks, and the disks that cannot be used."""
        facts, pool = self.draft.facts, self.draft.pool
        self._filling = False
        usable = [each for each in facts.disks if each.name and (each.is_eligible or each.is_overwritable)]
        group = self.group("Storage Pool", "Disks that work together and keep each other's data.")
        self._wanted = switch("Make a storage pool", self._why(usable), self._want, active=pool.is_wanted)
        self._wanted.set_sensitive(bool(usable))
        self._name = entry("Name of the pool", pool.name, self._named)
        self._layout = choice("Protection", [], 0, self._laid_out)
        # the choice below its title: beside it a narrow window cuts it off
        self._layout.set_use_subtitle(True)
        self._reason = fact("")
        self._sizes = switch("Use disks of different sizes", "", self._meant, active=pool.uneven_sizes)
        self._sizes.set_subtitle_lines(0)
        for row in (self._wanted, self._name, self._layout, self._reason, self._sizes):
            group.add(row)
        self._wrong = Complaint()
        group.add(self._wrong)
        self._warnings = self.group()
        self._warning_rows: list[Any] = []
        self._disks = self.group("Disks of the Pool", "The pool takes them whole.")
        for disk in usable:
            self._disks.add(self._row(disk))
        self._others([each for each in facts.disks if each not in usable])
        self._show_choices()

    def _why(self, usable: list[DiskFact]) -> str:
        if not usable:
            return "There is no disk that could be used."
        pools = sorted(self.draft.facts.state.pools)
        return f"There is one already: {', '.join(pools)}" if pools else "This can also be done later."

    def _row(self, disk: DiskFact) -> Any:
        row = fact(words.disk_title(disk), words.disk_subtitle(disk))
        check = Gtk.CheckButton(active=disk.name in self.draft.pool.disks, valign=Gtk.Align.CENTER)
        check.update_property([Gtk.AccessibleProperty.LABEL], [f"Use {disk.title}"])
        check.connect("toggled", lambda each: self._use(disk, is_used=each.get_active()))
        row.add_prefix(check)
        row.set_activatable_widget(check)
        # that takes the title of the row for its name, which disks of one kind share: its own goes before
        check.reset_relation(Gtk.AccessibleRelation.LABELLED_BY)
        if disk.is_overwritable:
            row.add_suffix(Gtk.Label(label="Has data", css_classes=["warning", "caption"]))
        return row

    def _others(self, disks: list[DiskFact]) -> None:
        if not disks:
            return
        group = self.group("Other Disks", "They are left alone.")
        for disk in disks:
            group.add(fact(words.disk_title(disk), words.disk_subtitle(disk), dim=True))

    @property
    def is_complete(self) -> bool:
        """A pool with a name, of at least one disk, or none."""
        return self.draft.pool.is_complete(self.draft.facts)

    def refresh(self) -> None:
        """Also show what the chosen disks would be."""
        super().refresh()
        pool, facts = self.draft.pool, self.draft.facts
        chosen = pool.choice(facts)
        for each in (self._name, self._layout, self._disks):
            each.set_visible(pool.is_wanted)
        self._reason.set_visible(pool.is_wanted and chosen is not None)
        self._sizes.set_visible(pool.is_wanted and chosen is not None and bool(chosen.sizes))
        self._wrong.say(pool.fault(facts))
        self._layout.set_sensitive(chosen is not None)
        if chosen is not None:
            self._reason.set_title(f"Room for about {format_bytes(chosen.usable_bytes)}")
            self._reason.set_subtitle(chosen.reason)
            self._sizes.set_subtitle(chosen.sizes)
        clear(self._warnings, self._warning_rows)
        lost = [f"Everything on {each} will be lost." for each in pool.overwritten(facts)]
        for text in [*lost, *(chosen.warnings if chosen else ())] if pool.is_wanted else ():
            self._warning_rows.append(fact(text, icon="dialog-warning-symbolic"))
            self._warnings.add(self._warning_rows[-1])
        self._warnings.set_visible(bool(self._warning_rows))

    def _show_choices(self) -> None:
        """Fill the list of layouts anew; what was chosen stays chosen where it is still sensible."""
        pool, facts = self.draft.pool, self.draft.facts
        found, chosen = pool.choices(facts), pool.choice(facts)
        self._filling = True
        self._layout.set_model(Gtk.StringList.new([words.LAYOUTS[each.layout] for each in found]))
        if chosen is not None:
            self._layout.set_selected(found.index(chosen))
        self._filling = False

    def _want(self, is_wanted: bool) -> None:  # noqa: FBT001 - the row calls it with the one value
        self.draft.pool.is_wanted = is_wanted
        self.refresh()

    def _named(self, text: str) -> None:
        self.draft.pool.name = text
        self.refresh()

    def _laid_out(self, at: int) -> None:
        found = self.draft.pool.choices(self.draft.facts)
        if not self._filling and at < len(found):
            self.draft.pool.layout = found[at].layout
            self.refresh()

    def _meant(self, is_meant: bool) -> None:  # noqa: FBT001 - the row calls it with the one value
        self.draft.pool.uneven_sizes = is_meant
        self.refresh()

    def _use(self, disk: DiskFact, *, is_used: bool) -> None:
        pool = self.draft.pool
        chosen = {*pool.disks, disk.name} if is_used else {*pool.disks} - {disk.name}
        pool.disks = tuple(each.name for each in self.draft.facts.disks if each.name in chosen)
        self._show_choices()
        self.refresh()
