"""The pages of the assistant: each makes its page from what is known, and takes its answers from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sigmavault.core.errors import ConfigError
from sigmavault.core.setup.answers import Administrator, Answers, NewPool, complaint, parse_answers
from sigmavault.core.setup.facts import Facts, PoolProposal, pool_choices, tier_in_words
from sigmavault.core.values import format_bytes, sentence
from sigmavault.setup.console.page import Button, Check, Choice, Field, Group, Item, Page, Text


def _next() -> Button:
    return Button(label="Next", word="next")


def _page(title: str, items: list[Item], **more: Any) -> Page:
    return Page(
        title=title, items=[*items, Text(text=""), _next(), Button(label="Back", word="back")], **more
    )


@dataclass(kw_only=True)
class Draft:
    """What was entered so far, as a file of answers would have it."""

    facts: Facts
    data: dict[str, Any] = field(default_factory=dict)
    typed: str = ""

    def answers(self) -> Answers:
        """All of it, checked.

        Raises:
            ConfigError: two answers do not go together.
        """
        return parse_answers({key: value for key, value in self.data.items() if value}, "answers")

    def whole_complaint(self) -> str:
        """What does not go together, a sentence; empty when all does."""
        try:
            self.answers()
        except ConfigError as error:
            return error.message.removeprefix("answers").lstrip(".: ")
        return ""


# --- welcome ---


def welcome() -> Page:
    """What comes, and how to get out."""
    lines = [
        "This sets the machine up: its name, an administrator, network, a pool of disks, shared folders, and"
        " language models.",
        "Nothing is changed before the last page, which shows everything that will be done.",
    ]
    items: list[Item] = [each for line in lines for each in (Text(text=line), Text(text=""))]
    return Page(
        title="Welcome to SigmaVault", can_go_back=False,
        items=[*items, Button(label="Begin", word="next"), Button(label="Not now", word="later"),
               Button(label="Do not ask again", word="never")],
    )  # fmt: skip


# --- name and place ---


def name_and_place(draft: Draft) -> Page:
    """Host name and time zone."""
    state = draft.facts.state
    name = Field(label="Name", value=draft.data.get("host_name") or state.host_name)
    zone = Field(label="Time zone", value=draft.data.get("time_zone") or state.time_zone)

    def check() -> str:
        if wrong := complaint(Answers, "host_name", name.value):
            return f"The name {wrong}."
        known = not draft.facts.time_zones or zone.value in draft.facts.time_zones
        wrong = complaint(Answers, "time_zone", zone.value)
        if wrong or not known:
            return f"The time zone {wrong or 'is not known: Europe/Vienna, America/New_York, UTC, …'}."
        draft.data |= {"host_name": name.value, "time_zone": zone.value}
        return ""

    return _page("Name and time zone", [
        Text(text="What this machine is called in the network. Other computers find it by this name."), name,
        Text(text=""), Text(text="Where it stands, for times of files and snapshots."), zone,
    ], check=check)  # fmt: skip


# --- administrator ---


def administrator(draft: Draft) -> Page:
    """One account for the console and for shares; none where there is one."""
    there = sorted(draft.facts.state.administrators)
    before = draft.data.get("administrator") or {}
    name = Field(label="Login name", value=before.get("name", ""))
    full = Field(label="Full name", value=before.get("full_name", ""))
    first = Field(label="Password", value=before.get("password", ""), is_secret=True)
    again = Field(label="Password again", value=before.get("password", ""), is_secret=True)

    def check() -> str:
        if not name.value and there:
            draft.data.pop("administrator", None)
            return ""
        for label, key, value in (
            ("login name", "name", name.value), ("full name", "full_name", full.value),
            ("password", "password", first.value),
        ):  # fmt: skip
            if wrong := complaint(Administrator, key, value):
                return f"The {label} {wrong}."
        if first.value != again.value:
            return "The two passwords are not the same."
        draft.data["administrator"] = {
            "name": name.value, "full_name": full.value, "password": first.value
        }  # fmt: skip
        return ""

    said = (
        "Who looks after this machine: logs in at its console, may change everything, and opens its shares."
    )
    more = f"There is {', '.join(there)} already: leave it empty to add nobody." if there else ""
    return _page("Administrator", [Text(text=said), Text(text=more), name, full, first, again], check=check)


# --- network ---


def network(draft: Draft) -> Page:
    """By the router, or fixed."""
    before = draft.data.get("network") or {}
    group = Group(before.get("method", draft.facts.state.network.method.value))
    port = Field(label="Port", value=before.get("port", next(iter(draft.facts.ports), "")))
    address = Field(label="Address/prefix", value=before.get("address", draft.facts.state.network.address))
    gateway = Field(label="Router", value=before.get("gateway", draft.facts.state.network.gateway))
    server = Field(label="Name server", value=next(iter(before.get("name_servers", ())), ""))

    def check() -> str:
        found: dict[str, Any] = {"method": group.chosen}
        if group.chosen == "static":
            found |= {"port": port.value, "address": address.value}
            found |= {"gateway": gateway.value} if gateway.value else {}
            found |= (
                {"name_servers": [server.value or gateway.value]} if server.value or gateway.value else {}
            )
        try:
            parse_answers({"network": found}, "answers")
        except ConfigError as error:
            return error.message.removeprefix("answers.network").lstrip(".: ") + "."
        draft.data["network"] = found
        return ""

    return _page("Network", [
        Choice(group=group, value="dhcp", label="The router gives this machine its address",
               details=("Right in nearly every home. Most routers can be told to give always the same.",)),
        Choice(group=group, value="static", label="A fixed address"),
        port, address, gateway, server,
    ], check=check)  # fmt: skip


# --- this machine ---


def this_machine(draft: Draft) -> Page:
    """The tier, in plain words."""
    choice = draft.facts.tier
    lines = tier_in_words(choice) if choice else ("The list of language models cannot be read.",)
    items: list[Item] = [each for line in lines for each in (Text(text=line), Text(text=""))]
    return _page("What this machine is", items[:-1])


# --- disks and pool ---


def disks(draft: Draft) -> Page:
    """Which disks become a pool; those that cannot are there with their reason."""
    proposed = set(draft.facts.proposal.disks) if draft.facts.proposal else set()
    chosen = set((draft.data.get("pool") or {}).get("disks", proposed))
    checks, others = {}, []
    for disk in draft.facts.disks:
        if disk.name and (disk.is_eligible or disk.is_overwritable):
            why = (f"{disk.why_not}: all of it would be lost",) if disk.is_overwritable else ()
            checks[disk.name] = Check(label=disk.title, is_on=disk.name in chosen, details=why)
        else:
            others.append(Text(text=f"not {disk.title}: {disk.why_not or disk.use}", indent=4))
    said = "These disks can become a pool, in which data survives the failure of disks. None is right, too."
    if not checks:
        said = "There is no disk here that could become a pool. Everything else can be set up all the same."

    def check() -> str:
        names = [name for name, each in checks.items() if each.is_on]
        if not names:
            draft.data.pop("pool", None)
            return ""
        lost = [disk.name for disk in draft.facts.disks if disk.name in names and disk.is_overwritable]
        draft.data["pool"] = {**(draft.data.get("pool") or {}), "disks": names, "overwrite": lost}
        return ""

    return _page("Disks", [Text(text=said), Text(text=""), *checks.values(), *others], check=check)


def layouts(draft: Draft) -> tuple[PoolProposal, ...]:
    """The pools that could be made of the disks that were chosen."""
    names = (draft.data.get("pool") or {}).get("disks", ())
    return pool_choices([disk for disk in draft.facts.disks if disk.name in names])


def pool(draft: Draft) -> Page:
    """Name and layout of the pool."""
    asked, choices = draft.data["pool"], layouts(draft)
    kept = next((each for each in choices if each.layout == asked.get("layout")), choices[0])
    group = Group(kept.layout.value)
    name = Field(label="Name of the pool", value=asked.get("name", "tank"))
    uneven = Check(
        label="These disks are meant, though they are not of one size",
        is_on=asked.get("uneven_sizes", False), details=(kept.sizes,),
    )  # fmt: skip

    def check() -> str:
        if wrong := complaint(NewPool, "name", name.value):
            return f"The name {wrong}."
        if name.value in draft.facts.state.pools:
            return f"There is a pool {name.value} already."
        if kept.sizes and not uneven.is_on:
            return "The disks are not of one size: say that they are meant, or choose others."
        draft.data["pool"] = {
            "name": name.value, "layout": group.chosen, "disks": asked["disks"],
            "overwrite": asked["overwrite"], "no_redundancy": group.chosen == "stripe",
            "uneven_sizes": bool(kept.sizes),
        }  # fmt: skip
        return ""

    items: list[Item] = [
        Choice(
            group=group, value=each.layout.value, details=(each.reason, *each.warnings),
            label=f"{each.layout}: room for {format_bytes(each.usable_bytes)}, {_may_fail(each.may_fail)}",
        )
        for each in choices
    ]  # fmt: skip
    sizes = [Text(text=""), uneven] if kept.sizes else []
    return _page("Pool", [name, Text(text=""), *items, *sizes], check=check)


def _may_fail(count: int) -> str:
    return {0: "no disk may fail", 1: "one disk may fail"}.get(count, f"{count} disks may fail")


# --- shares ---

SUGGESTED: Final[Mapping[str, tuple[str, str]]] = {
    "Documents": ("documents", "files of people"),
    "Photos": ("media", "pictures, and other large files that are written once"),
    "Backups": ("backup", "backups that other computers write"),
    "TimeMachine": ("time-machine", "backups of Macs"),
}


def has_pool(draft: Draft) -> bool:
    """Whether there is anywhere to put a share."""
    return bool(draft.data.get("pool") or draft.facts.state.pools)


def shares(draft: Draft) -> Page:
    """Suggested folders, one of an own name, and what others may do."""
    before = {each["name"] for each in draft.data.get("shares", ())}
    checks = {
        name: Check(label=f"{name}: {what}", is_on=name in before) for name, (_, what) in SUGGESTED.items()
    }
    own = Field(label="Another one", value=next(iter(before - set(SUGGESTED)), ""))
    group = Group(next((each["everybody"] for each in draft.data.get("shares", ())), "nothing"))

    def check() -> str:
        names = [name for name, each in checks.items() if each.is_on] + ([own.value] if own.value else [])
        where = {} if draft.data.get("pool") else {"pool": min(draft.facts.state.pools)}
        writers = sorted(draft.facts.state.administrators & draft.facts.state.users.keys())
        who = {} if draft.data.get("administrator") or not writers else {"write": writers}
        made = [
            {"name": name, "preset": SUGGESTED.get(name, ("documents", ""))[0], "everybody": group.chosen,
             **where, **who}
            for name in names
        ]  # fmt: skip
        draft.data["shares"] = made
        wrong = draft.whole_complaint()
        return sentence(wrong)

    rights = {"nothing": "nothing", "read": "read", "write": "read and write"}
    return _page("Shared folders", [
        Text(text="Folders that Windows, Mac and Linux reach over the network."), *checks.values(), own,
        Text(text=""), Text(text="What other users of the NAS may do in them:"),
        *(Choice(group=group, value=value, label=label) for value, label in rights.items()),
    ], check=check)  # fmt: skip


# --- models ---


def models(draft: Draft) -> Page:
    """What can be downloaded, with what it needs; the embedded one is here already."""
    chosen = set(draft.data.get("models", ()))
    embedded = [each for each in draft.facts.models if each.is_here]
    checks = {
        each.id: Check(
            label=f"{each.name} ({each.purposes}){', proposed for this machine' if each.is_proposed else ''}",
            details=tuple(line for line in (each.facts, each.caution) if line), is_on=each.id in chosen,
        )
        for each in draft.facts.models if not each.is_here
    }  # fmt: skip
    system_disk = Check(
        label="There is no pool: they may fill the system disk",
        is_on=bool(draft.data.get("models_on_system_disk")),
    )

    def check() -> str:
        names = [model for model, each in checks.items() if each.is_on]
        if names and not has_pool(draft) and not system_disk.is_on:
            return "Models need a pool, or the system disk."
        draft.data |= {"models": names, "models_on_system_disk": bool(names) and system_disk.is_on}
        return ""

    here = ", ".join(each.name for each in embedded) or "none"
    return _page("Language models", [
        Text(text=f"Already here: {here}. More can be downloaded now or later; none is right, too."),
        Text(text=""), *([] if has_pool(draft) else [system_disk]), *checks.values(),
    ], check=check)  # fmt: skip
