"""What the machine is called, and who looks after it."""

from __future__ import annotations

from collections.abc import Callable

from sigmavault.desktop.setup.draft import login_of
from sigmavault.desktop.setup.page import Complaint, StepPage, entry
from sigmavault.desktop.toolkit import Adw


class WelcomePage(StepPage):
    """The first page."""

    TITLE = "Welcome"

    def fill(self) -> None:
        """A greeting, the machine's name, an account."""
        self.group(
            "Set up SigmaVault",
            "A few questions, then a plan. Nothing is changed before you have seen the plan and agreed.",
        )
        group = self.group("This Machine", "Other computers find it under this name.")
        group.add(entry("Name of this machine", self.draft.host_name, self._host_name))
        self._wrong_name = Complaint()
        group.add(self._wrong_name)
        self._fill_person()

    def _fill_person(self) -> None:
        person, known = self.draft.person, sorted(self.draft.facts.state.administrators)
        group = self.group("Administrator", "Looks after this machine, and may write to shared folders.")
        self._account = Adw.ExpanderRow(
            title="Make an account", show_enable_switch=bool(known), enable_expansion=person.is_wanted,
            expanded=person.is_wanted, use_markup=False,
            subtitle=f"There is one already: {', '.join(known)}" if known else "",
        )  # fmt: skip
        self._account.connect("notify::enable-expansion", self._wanted)
        self._login = entry("User name", person.name, self._name)
        rows = (
            entry("Full name", person.full_name, self._full_name),
            self._login,
            entry("Password", person.password, self._password, secret=True),
            entry("Password once more", person.repeated, self._repeated, secret=True),
        )
        for row in rows:
            # without accounts there is nothing to fold away
            self._account.add_row(row) if known else group.add(row)
        if known:
            group.add(self._account)
        self._wrong_person = Complaint()
        group.add(self._wrong_person)

    def offer_to_decline(self, decline: Callable[[], None]) -> None:
        """Where it came by itself: let the person say that it need not come again."""
        group = self.group()
        row = Adw.ButtonRow(title="Do Not Ask Again at Login")
        row.connect("activated", lambda _row: decline())
        group.add(row)

    @property
    def is_complete(self) -> bool:
        """A name and, where one is wanted, an account."""
        return not self.draft.host_name_fault() and self.draft.person.is_complete

    def refresh(self) -> None:
        """Also say what is wrong."""
        super().refresh()
        self._wrong_name.say(self.draft.host_name_fault())
        self._wrong_person.say(self.draft.person.fault())

    def _host_name(self, text: str) -> None:
        self.draft.host_name = text
        self.refresh()

    def _wanted(self, row: Adw.ExpanderRow, _what: object) -> None:
        self.draft.person.is_wanted = row.get_enable_expansion()
        self.refresh()

    def _full_name(self, text: str) -> None:
        person = self.draft.person
        person.full_name = text
        if not person.is_own_name:
            self._login.set_text(login_of(text))
            person.is_own_name = False
        self.refresh()

    def _name(self, text: str) -> None:
        self.draft.person.name = text
        self.draft.person.is_own_name = bool(text)
        self.refresh()

    def _password(self, text: str) -> None:
        self.draft.person.password = text
        self.refresh()

    def _repeated(self, text: str) -> None:
        self.draft.person.repeated = text
        self.refresh()
