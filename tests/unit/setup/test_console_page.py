"""A page of the console assistant: keys, drawing at 80 by 24, what is asked of the answers. No terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sigmavault.core.setup.answers import NewPool
from sigmavault.core.setup.facts import DiskFact, Facts, pool_choices, proposed_disks
from sigmavault.core.setup.state import MachineState
from sigmavault.core.storage.topology import Layout
from sigmavault.core.values import TIB
from sigmavault.setup.console import pages
from sigmavault.setup.console.page import Button, Check, Choice, Field, Group, Key, Page, Text
from sigmavault.setup.console.pages import Draft

DISKS = (
    *(DiskFact(name=f"ata-{n}", size_bytes=4 * TIB, serial=f"S{n}", is_eligible=True) for n in range(2)),
    DiskFact(
        name="ata-old", size_bytes=4 * TIB, is_eligible=False, reasons=("has-data",), why_not="has data"
    ),
    DiskFact(
        name="ata-sys", size_bytes=1 * TIB, is_eligible=False, reasons=("mounted",), why_not="is mounted"
    ),
)
CHOICES = pool_choices(proposed_disks(DISKS))
FACTS = Facts(
    state=MachineState(host_name="sigmavault", time_zone="UTC"), disks=DISKS, proposal=CHOICES[0],
    choices=CHOICES, ports=("enp3s0",), time_zones=("Europe/Vienna", "UTC"),
)  # fmt: skip
ANNA = {"name": "anna", "full_name": "", "password": "correct horse"}


def field(page: Page, label: str) -> Field:
    return next(each for each in page.items if isinstance(each, Field) and each.label == label)


def shown(page: Page) -> str:
    return "\n".join(page.draw(200)[0])


def test_the_cursor_goes_round_and_typing_goes_where_it_is() -> None:
    page = Page(
        title="x",
        items=[Text(text="a"), Field(label="One"), Field(label="Two"), Button(label="Next", word="next")],
    )
    for text in "ab":
        page.type(text)
    page.press(Key.DELETE)
    page.press(Key.NEXT)
    page.type("c")
    assert (field(page, "One").value, field(page, "Two").value) == ("a", "c")
    page.press(Key.PREVIOUS)
    page.press(Key.PREVIOUS)
    assert page.press(Key.ENTER) == "next"
    assert page.press(Key.BACK) == "back"


def test_a_secret_is_drawn_as_stars_and_control_characters_are_not_typed() -> None:
    page = Page(title="x", items=[Field(label="Password", is_secret=True)])
    for text in ("s", "e", "\x1b", "\n"):
        page.type(text)
    assert field(page, "Password").value == "se"
    assert "[**_" in shown(page)
    assert "se" not in shown(page)


def test_space_chooses_and_a_wrong_page_stays_with_its_sentence() -> None:
    group = Group("a")
    page = Page(
        title="x", check=lambda: "That is wrong.",
        items=[Check(label="It"), Choice(group=group, value="b", label="B"),
               Button(label="Next", word="next")],
    )  # fmt: skip
    page.type(" ")
    page.press(Key.NEXT)
    page.type(" ")
    assert shown(page).startswith("[x] It\n(*) B")
    assert (page.press(Key.GO), page.complaint) == ("", "That is wrong.")


def test_what_has_no_room_is_scrolled_to_and_said_to_be_there() -> None:
    page = Page(
        title="x", items=[*(Check(label=f"{n}") for n in range(40)), Button(label="Next", word="next")]
    )
    lines, focus = page.draw(18)
    assert (len(lines), focus, lines[-1].endswith("(more)")) == (18, 0, True)
    page.press(Key.PREVIOUS)
    lines, focus = page.draw(18)
    assert lines[focus] == "< Next >"
    assert lines[0].endswith("(more)")


@pytest.mark.parametrize("make", [
    pages.name_and_place, pages.administrator, pages.network, pages.this_machine, pages.disks, pages.models,
])  # fmt: skip
def test_every_page_fits_into_80_columns_and_has_a_way_on_and_back(make: Callable[[Draft], Page]) -> None:
    page = make(Draft(facts=FACTS))
    lines, _ = page.draw(200)
    assert max(map(len, lines)) <= 78
    assert {each.word for each in page.items if isinstance(each, Button)} == {"next", "back"}


def test_the_administrator_is_asked_twice_for_the_password() -> None:
    draft = Draft(facts=FACTS)
    page = pages.administrator(draft)
    for label, value in (("Login name", "anna"), ("Password", "correct horse"), ("Password again", "x")):
        field(page, label).value = value
    assert page.check() == "The two passwords are not the same."
    field(page, "Password again").value = "correct horse"
    assert (page.check(), draft.data["administrator"]) == ("", ANNA)


def test_where_somebody_looks_after_the_machine_nobody_has_to_be_added() -> None:
    there = replace(FACTS, state=replace(FACTS.state, administrators=frozenset({"bob"})))
    draft = Draft(facts=there)
    assert pages.administrator(draft).check() == ""
    assert "administrator" not in draft.data
    assert pages.administrator(Draft(facts=FACTS)).check().startswith("The login name must be")


def test_the_proposed_disks_are_chosen_and_others_only_by_hand() -> None:
    draft = Draft(facts=FACTS)
    page = pages.disks(draft)
    assert page.check() == ""
    assert draft.data["pool"] == {"disks": ["ata-0", "ata-1"], "overwrite": []}
    assert "all of it would be lost" in shown(page)
    assert "not 1.00 TiB hdd: is mounted" in shown(page)
    for each in page.items:
        if isinstance(each, Check):
            each.is_on = True
    page.check()
    assert draft.data["pool"]["overwrite"] == ["ata-old"]
    page = pages.pool(draft)
    assert page.check() == ""
    assert draft.answers().pool is not None


def test_disks_of_different_sizes_become_a_pool_only_where_that_is_meant() -> None:
    small = DiskFact(name="ata-1", size_bytes=TIB, is_eligible=True)
    asked = {"disks": ["ata-0", "ata-1"], "overwrite": []}
    draft = Draft(facts=replace(FACTS, disks=(DISKS[0], small)), data={"pool": asked})
    page = pages.pool(draft)
    assert "not of one size: ata-1 has only 1.00" in shown(page)
    assert page.check() == "The disks are not of one size: say that they are meant, or choose others."
    next(each for each in page.items if isinstance(each, Check)).is_on = True
    assert page.check() == ""
    assert draft.answers().pool == NewPool(layout=Layout.MIRROR, disks=("ata-0", "ata-1"), uneven_sizes=True)
    of_one_size = pages.pool(Draft(facts=FACTS, data={"pool": asked}))
    assert not any(isinstance(each, Check) for each in of_one_size.items)


def test_a_share_is_the_administrators_and_lies_in_the_new_pool() -> None:
    draft = Draft(
        facts=FACTS, data={"administrator": ANNA, "pool": {"layout": "mirror", "disks": ["a", "b"]}}
    )
    page = pages.shares(draft)
    next(each for each in page.items if isinstance(each, Check)).is_on = True
    field(page, "Another one").value = "no/such"
    assert page.check().startswith("Shares[1].name: must be letters")
    field(page, "Another one").value = ""
    assert page.check() == ""
    assert [each.name for each in draft.answers().shares] == ["Documents"]


def test_models_need_a_place() -> None:
    assert not pages.has_pool(Draft(facts=FACTS))
    assert pages.has_pool(Draft(facts=FACTS, data={"pool": {"disks": ["a"]}}))
