"""What has been answered so far, while pages are being filled in. No widgets.

A draft may be wrong or incomplete at any time; `answers` checks all of it at once, each page its own part.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Final

from sigmavault.core.network import Method
from sigmavault.core.setup.answers import Administrator, Answers, Network, NewPool, complaint, parse_answers
from sigmavault.core.setup.facts import Facts, PoolProposal, pool_choices
from sigmavault.core.storage.presets import Preset
from sigmavault.core.storage.topology import Layout
from sigmavault.core.values import capital

_ORIGIN: Final = "answers"
_LONGEST_USER: Final = 31


@dataclass(slots=True)
class Person:
    """The administrator to be.

    Attributes:
        is_wanted: whether an account is made at all.
        is_own_name: whether the login name was typed, not derived from the full name.
    """

    is_wanted: bool = True
    full_name: str = ""
    name: str = ""
    password: str = ""
    repeated: str = ""
    is_own_name: bool = False

    def fault(self) -> str:
        """What is wrong, a sentence without its full stop; empty when all is right."""
        if not self.is_wanted:
            return ""
        checks = (
            ("full_name", "The full name", self.full_name),
            ("name", "The user name", self.name),
            ("password", "The password", self.password),
        )
        for key, words, value in checks:
            if value and (wrong := complaint(Administrator, key, value)):
                return f"{words} {wrong}"
        if self.password and self.repeated and self.password != self.repeated:
            return "The two passwords differ"
        return ""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing and nothing wrong."""
        given = self.name and self.password and self.password == self.repeated
        return not self.is_wanted or bool(given and not self.fault())


@dataclass(slots=True)
class Wiring:
    """How the machine gets its address."""

    is_wanted: bool = False
    is_fixed: bool = False
    port: str = ""
    address: str = ""
    gateway: str = ""
    name_server: str = ""

    def as_json(self) -> dict[str, Any]:
        """The part of the answers."""
        if not self.is_fixed:
            return {"method": Method.DHCP.value}
        found: dict[str, Any] = {"method": Method.STATIC.value, "port": self.port, "address": self.address}
        found |= {"gateway": self.gateway} if self.gateway else {}
        servers = [each for each in re.split(r"[,\s]+", self.name_server) if each]
        return found | ({"name_servers": servers} if servers else {})

    def fault(self) -> str:
        """What is wrong, a sentence without its full stop; empty when all is right, or nothing given yet."""
        if not self.is_fixed:
            return ""
        for key, words, value in (
            ("address", "The address", self.address),
            ("gateway", "The router", self.gateway),
        ):
            if value and (wrong := complaint(Network, key, value)):
                return f"{words} {wrong}"
        if self.address:
            wrong = complaint(Answers, "network", self.as_json())
            return capital(wrong)
        return ""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing and nothing wrong."""
        return not self.is_fixed or bool(self.address and not self.fault())


@dataclass(slots=True)
class PoolDraft:
    """The pool to be.

    Attributes:
        disks: names of the disks that were chosen, in the order in which they are shown.
        layout: what was chosen; None for what is proposed for so many disks.
        uneven_sizes: whether disks of different sizes are meant.
    """

    is_wanted: bool = False
    name: str = "tank"
    disks: tuple[str, ...] = ()
    layout: Layout | None = None
    uneven_sizes: bool = False
    confirm: str = ""

    def choices(self, facts: Facts) -> tuple[PoolProposal, ...]:
        """Every sensible pool of the chosen disks, the proposed one first."""
        by_name = {each.name: each for each in facts.disks if each.name}
        return pool_choices([by_name[name] for name in self.disks if name in by_name])

    def choice(self, facts: Facts) -> PoolProposal | None:
        """The pool as it would be made."""
        found = self.choices(facts)
        return next((each for each in found if each.layout is self.layout), next(iter(found), None))

    def overwritten(self, facts: Facts) -> tuple[str, ...]:
        """The chosen disks whose data would be lost."""
        return tuple(each.name for each in facts.disks if each.name in self.disks and not each.is_eligible)

    def fault(self, facts: Facts) -> str:
        """What is wrong with the name or the disks; empty when all is right."""
        if not self.is_wanted:
            return ""
        wrong = complaint(NewPool, "name", self.name) if self.name else ""
        if (chosen := self.choice(facts)) is None:
            return "Choose at least one disk"
        if chosen.sizes and not self.uneven_sizes:
            return "The disks are not of one size: say that they are meant, or choose others"
        return f"The name {wrong}" if wrong else ""

    def is_complete(self, facts: Facts) -> bool:
        """Whether nothing is missing and nothing wrong."""
        return not self.is_wanted or bool(self.name and not self.fault(facts) and self.choice(facts))


@dataclass(slots=True, kw_only=True)
class Folder:
    """A folder that may be shared."""

    name: str
    preset: Preset
    is_wanted: bool = False


def _folders() -> list[Folder]:
    return [
        Folder(name="Documents", preset=Preset.DOCUMENTS),
        Folder(name="Media", preset=Preset.MEDIA),
        Folder(name="Backups", preset=Preset.BACKUP),
        Folder(name="Time Machine", preset=Preset.TIME_MACHINE),
    ]


@dataclass(slots=True)
class Draft:
    """Everything that has been answered so far.

    Attributes:
        facts: what the machine is and has.
        everybody: what other users of the NAS may do with the folders: `nothing`, `read` or `write`.
        folder_pool: where the folders lie; empty for the new pool.
    """

    facts: Facts
    host_name: str = ""
    time_zone: str = ""
    person: Person = field(default_factory=Person)
    network: Wiring = field(default_factory=Wiring)
    pool: PoolDraft = field(default_factory=PoolDraft)
    folders: list[Folder] = field(default_factory=_folders)
    everybody: str = "nothing"
    models: set[str] = field(default_factory=set)
    models_on_system_disk: bool = False

    @classmethod
    def of(cls, facts: Facts) -> Draft:
        """What is proposed for a machine, before anybody answers."""
        state = facts.state
        found = cls(facts=facts, host_name=state.host_name, time_zone=state.time_zone)
        found.person.is_wanted = not state.administrators
        found.network.is_fixed = state.network.method is Method.STATIC
        found.network.port = state.network.port or next(iter(facts.ports), "")
        found.network.address = state.network.address
        found.network.gateway = state.network.gateway
        found.network.name_server = ", ".join(state.network.name_servers)
        if facts.proposal is not None:
            found.pool.is_wanted = not state.pools
            found.pool.disks = facts.proposal.disks
            found.pool.layout = facts.proposal.layout
        while found.pool.name in state.pools:
            found.pool.name += "2"
        return found

    @property
    def place_of_folders(self) -> str:
        """The pool in which folders would lie; empty for none."""
        return self.pool.name if self.pool.is_wanted else min(self.facts.state.pools, default="")

    @property
    def writer(self) -> str:
        """Who may write to the folders; empty where there is nobody yet."""
        if self.person.is_wanted:
            return self.person.name
        state = self.facts.state
        return min((each for each in state.administrators if state.users.get(each)), default="")

    def host_name_fault(self) -> str:
        """What is wrong with the machine's name; empty when it is right."""
        wrong = complaint(Answers, "host_name", self.host_name) if self.host_name else "is missing"
        return f"The name of this machine {wrong}" if wrong else ""

    def as_json(self) -> dict[str, Any]:
        """The answers as a file of answers has them, with the password."""
        found: dict[str, Any] = {"version": 1, "host_name": self.host_name, "time_zone": self.time_zone}
        if self.person.is_wanted:
            names = {"name": self.person.name, "full_name": self.person.full_name}
            found["administrator"] = {**names, "password": self.person.password}
        found["network"] = self.network.as_json()
        choice = self.pool.choice(self.facts)
        if self.pool.is_wanted and choice is not None:
            found["pool"] = self._pool(choice)
        found["shares"] = [self._share(each) for each in self.folders if each.is_wanted and self.can_share]
        found["models"] = [each.id for each in self.facts.models if each.id in self.models]
        return found | {"models_on_system_disk": self.asks_for_system_disk and self.models_on_system_disk}

    @property
    def asks_for_system_disk(self) -> bool:
        """Whether models have no other place."""
        return bool(self.models) and not self.place_of_folders and not self.facts.state.model_datasets

    def models_fault(self) -> str:
        """What keeps the chosen models from being downloaded; empty for nothing."""
        if self.asks_for_system_disk and not self.models_on_system_disk:
            return "Models need a storage pool, or the system disk"
        return ""

    @property
    def can_share(self) -> bool:
        """Whether there is room for folders, and somebody who may write to them."""
        return bool(self.place_of_folders and (self.writer or self.everybody == "write"))

    def _pool(self, choice: PoolProposal) -> dict[str, Any]:
        found: dict[str, Any] = {
            "name": self.pool.name, "layout": choice.layout.value, "disks": list(choice.disks),
        }  # fmt: skip
        if lost := self.pool.overwritten(self.facts):
            found |= {"overwrite": list(lost), "confirm": self.pool.confirm}
        if choice.sizes and self.pool.uneven_sizes:
            found |= {"uneven_sizes": True}
        return found | ({"no_redundancy": True} if choice.layout is Layout.STRIPE else {})

    def _share(self, folder: Folder) -> dict[str, Any]:
        found: dict[str, Any] = {
            "name": folder.name, "preset": folder.preset.value, "everybody": self.everybody,
        }  # fmt: skip
        found |= {"write": [self.writer]} if self.writer else {}
        return found if self.pool.is_wanted else found | {"pool": self.place_of_folders}

    def answers(self) -> Answers:
        """All of it, checked.

        Raises:
            ConfigError: something does not fit; the message says what.
        """
        return parse_answers(self.as_json(), _ORIGIN)


def login_of(full_name: str) -> str:
    """A login name out of a full name: the first word, without accents; empty where that gives none."""
    words = unicodedata.normalize("NFKD", full_name).encode("ascii", "ignore").decode().lower().split()
    found = re.sub(r"[^a-z0-9_-]", "", words[0]) if words else ""
    return re.sub(r"^[^a-z]+", "", found)[:_LONGEST_USER]
