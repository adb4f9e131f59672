"""How the machine is reached, and where it stands."""

from __future__ import annotations

from sigmavault.desktop.setup.page import Complaint, StepPage, choice, entry, switch
from sigmavault.desktop.toolkit import Gtk


class NetworkPage(StepPage):
    """Address and time zone."""

    TITLE = "Network and Time"

    def fill(self) -> None:
        """An address from the router or a fixed one, and a time zone."""
        wiring = self.draft.network
        group = self.group("Network", "The router gives the address, as a rule.")
        group.add(
            switch(
                "Fixed address",
                "For networks without a router that gives one",
                self._fixed,
                active=wiring.is_fixed,
            )
        )
        ports = list(self.draft.facts.ports)
        at = ports.index(wiring.port) if wiring.port in ports else 0
        self._fields = [
            choice("Network port", ports, at, self._port),
            entry("Address, such as 192.168.1.10/24", wiring.address, self._address),
            entry("Router", wiring.gateway, self._gateway),
            entry("Name servers", wiring.name_server, self._name_server),
        ]
        for row in self._fields:
            group.add(row)
        self._wrong = Complaint()
        group.add(self._wrong)
        zones = list(self.draft.facts.time_zones) or [self.draft.time_zone]
        at = zones.index(self.draft.time_zone) if self.draft.time_zone in zones else 0
        self._zones = zones
        row = choice("Time zone", [each.replace("_", " ") for each in zones], at, self._zone)
        row.set_expression(Gtk.PropertyExpression.new(Gtk.StringObject, None, "string"))
        row.set_search_match_mode(Gtk.StringFilterMatchMode.SUBSTRING)
        row.set_enable_search(True)
        self.group("Time", "For the times of files and snapshots.").add(row)

    @property
    def is_complete(self) -> bool:
        """A fixed address has all its parts."""
        return self.draft.network.is_complete

    def refresh(self) -> None:
        """Also show what a fixed address needs, and what is wrong with it."""
        super().refresh()
        for row in self._fields:
            row.set_visible(self.draft.network.is_fixed)
        self._wrong.say(self.draft.network.fault())

    def _fixed(self, is_fixed: bool) -> None:  # noqa: FBT001 - the row calls it with the one value
        self.draft.network.is_fixed = is_fixed
        self.refresh()

    def _port(self, at: int) -> None:
        ports = self.draft.facts.ports
        self.draft.network.port = ports[at] if at < len(ports) else ""
        self.refresh()

    def _address(self, text: str) -> None:
        self.draft.network.address = text
        self.refresh()

    def _gateway(self, text: str) -> None:
        self.draft.network.gateway = text
        self.refresh()

    def _name_server(self, text: str) -> None:
        self.draft.network.name_server = text
        self.refresh()

    def _zone(self, at: int) -> None:
        if at < len(self._zones):
            self.draft.time_zone = self._zones[at]
