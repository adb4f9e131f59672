"""Answers as text, for people and for programs."""

from __future__ import annotations

import re
from typing import Annotated

from sigmavault.cli.host.answer import Style, Text, column_names, render
from sigmavault.cli.paint import Paint
from sigmavault.core.operation import Bytes, Detail, Unit, Value

PLAIN = Paint(is_on=False)
HUMAN = Style(is_human=True, paint=PLAIN, width=80)
PIPE = Style(is_human=False, paint=PLAIN)


class Device(Value):
    name: str
    state: str
    errors: int = 0
    children: tuple[Device, ...] = ()


class Row(Value):
    name: str
    guid: Annotated[str, Detail()] = "1234"
    state: str = "ONLINE"
    size_bytes: Bytes | None = None
    full_percent: Annotated[float | None, Unit("percent")] = None
    is_read_only: bool = False
    uses: tuple[str, ...] = ()


class Rows(Value):
    rows: tuple[Row, ...]


class Shown(Value):
    name: str
    uptime_s: Annotated[int, Unit("seconds")]
    note: str | None = None
    devices: tuple[Device, ...] = ()


ROWS = Rows(rows=(
    Row(name="tank", size_bytes=4 * 2**40, full_percent=12.3, uses=("smb", "nfs")),
    Row(name="a very\tlong\nname", state="DEGRADED", is_read_only=True),
))  # fmt: skip


def shown(answer: Value, style: Style) -> Text:
    return render(type(answer), answer.model_dump(mode="json"), style)


def test_a_program_gets_every_column_tabs_and_raw_numbers() -> None:
    assert shown(ROWS, PIPE).lines == (
        "tank\t1234\tONLINE\t4398046511104\t12.3\tno\tsmb,nfs",
        "a very long name\t1234\tDEGRADED\t-\t-\tyes\t-",
    )
    first = shown(
        ROWS, Style(is_human=False, paint=PLAIN, header=True, columns=("size_bytes", "name"))
    ).lines[0]
    assert first == "size_bytes\tname"


def test_a_person_gets_units_a_heading_and_no_details() -> None:
    assert shown(ROWS, HUMAN).lines == (
        "name              state         size  full  read only  uses",
        "tank              ONLINE    4.00 TiB  12 %  no         smb, nfs",
        "a very long name  DEGRADED         -     -  yes        -",
    )
    assert shown(Rows(rows=()), HUMAN).lines == ("none",)


def test_columns_that_have_no_room_are_named_and_can_be_asked_for() -> None:
    narrow = shown(ROWS, Style(is_human=True, paint=PLAIN, width=40))
    assert narrow.lines[1] == "tank              ONLINE    4.00 TiB"
    assert narrow.left_out == ("full_percent", "is_read_only", "uses")
    wanted = shown(ROWS, Style(is_human=True, paint=PLAIN, width=5, columns=("guid", "name")))
    assert wanted.lines[1] == "1234  tank"
    assert column_names(Rows) == tuple(Row.model_fields)
    assert column_names(Shown) == ()


def test_long_texts_are_cut_before_a_column_is_left_out() -> None:
    rows = Rows(rows=(Row(name="a very long name that stays whole", state="x" * 60, size_bytes=1),))
    found = shown(rows, Style(is_human=True, paint=PLAIN, width=90))
    assert re.fullmatch("a very long name that stays whole  x{20,}…   1 B  no", found.lines[1])
    assert found.left_out == ()
    assert max(map(len, found.lines)) <= 90


def test_what_is_wrong_is_red() -> None:
    text = "\n".join(shown(ROWS, Style(is_human=True, paint=Paint(is_on=True), width=200)).lines)
    assert "\x1b[31mDEGRADED\x1b[0m" in text
    assert "\x1b[32mONLINE  \x1b[0m" in text


def test_nothing_that_a_terminal_obeys_comes_out() -> None:
    evil = Rows(rows=(Row(name="\x1b[2Jx\r\n\x07"),))
    for style in (HUMAN, PIPE):
        assert "\x1b" not in "".join(shown(evil, style).lines)
        assert "\x07" not in "".join(shown(evil, style).lines)


def test_a_tree_is_indented() -> None:
    mirror = Device(name="mirror-0", state="DEGRADED", children=(
        Device(name="WD-1", state="ONLINE"), Device(name="WD-2", state="REMOVED", errors=3),
    ))  # fmt: skip
    answer = Shown(name="tank", uptime_s=3700, devices=(mirror,))
    assert shown(answer, HUMAN).lines == (
        "name    tank",
        "uptime  1 h 1 min",
        "note    -",
        "",
        "devices",
        "  name      state     errors",
        "  mirror-0  DEGRADED       0",
        "    WD-1    ONLINE         0",
        "    WD-2    REMOVED        3",
    )
    assert shown(answer, PIPE).lines[-1] == "devices.0.children.1.children\t-"
    assert "devices.0.children.1.errors\t3" in shown(answer, PIPE).lines
