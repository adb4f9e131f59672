"""Command lines out of declarations, and back."""

from __future__ import annotations

import argparse
from enum import StrEnum
from typing import Annotated

import pytest
from pydantic import Field
from sigmavault.cli.host import arguments
from sigmavault.cli.host.noun import VerbParser
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.names import DiskName, NewPoolName
from sigmavault.core.operation import Arguments, Bytes, Positional, Unit, Value
from sigmavault.core.operation.arguments import parse
from sigmavault.core.operation.shape import shapes
from sigmavault.core.values import format_bytes, parse_bytes, parse_duration


class Layout(StrEnum):
    MIRROR = "mirror"
    RAIDZ = "raidz1"


class Asked(Arguments):
    name: Annotated[NewPoolName, Positional()] = Field(description="its name")
    layout: Annotated[Layout, Positional()] = Field(description="how the disks stand together")
    disks: Annotated[tuple[DiskName, ...], Positional()] = Field(min_length=1, description="the disks")
    spare: tuple[DiskName, ...] = Field(default=(), description="disks that wait")
    quota: Bytes | None = Field(default=None, description="how much it may hold")
    pause: Annotated[int, Unit("seconds")] = Field(default=60, description="how long")
    share: float = Field(default=0.5, description="how much of it, 100% at most")
    encrypted: bool = Field(default=False, description="whether it is")
    guest: bool | None = Field(default=None, description="whether guests may")
    properties: dict[str, str] = Field(default={}, description="what else")


def given(line: str) -> dict[str, object]:
    command = VerbParser(exit_on_error=False, allow_abbrev=False)
    arguments.add(command, Asked)
    return dict(arguments.to_json(Asked, command.parse_args(line.split())))


def test_what_is_left_out_is_left_out() -> None:
    assert given("tank mirror A B") == {"name": "tank", "layout": "mirror", "disks": ["A", "B"]}


def test_everything_can_be_said_in_any_order() -> None:
    assert given(
        "--encrypted tank --spare C mirror --quota 1.5T A --no-guest --pause 5min B --spare D --share 1"
        " --properties a=b=c --properties d="
    ) == {
        "name": "tank", "layout": "mirror", "disks": ["A", "B"], "spare": ["C", "D"], "quota": 3 * 2**39,
        "pause": 300, "share": 1.0, "encrypted": True, "guest": False, "properties": {"a": "b=c", "d": ""},
    }  # fmt: skip
    assert given("tank mirror A --quota none")["quota"] is None


def test_what_is_given_is_what_the_operation_takes() -> None:
    parse(Asked, arguments.spelled(given("tank mirror A --quota 4TB --guest --share 0.25")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("tank raidz9 A", "must be one of mirror, raidz1"), ("tank mirror A --quota much", "a size such as"),
        ("tank mirror A --pause 5x", "a duration such as"),
        ("tank mirror A --share half", "must be a number"), ("tank mirror A --properties a", "KEY=VALUE"),
        ("tank mirror", "DISK"), ("tank mirror A --quot 1", "unrecognized"),
        ("-rf mirror A", "must be one of"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises((argparse.ArgumentError, SystemExit)) as caught:
        given(line)
    assert told in capsys.readouterr().err + str(caught.value)


def test_what_looks_like_an_option_is_for_the_operation_to_refuse() -> None:
    found = given("-- -rf mirror A")
    with pytest.raises(InvalidRequestError, match="name: must be"):
        parse(Asked, arguments.spelled(found))  # type: ignore[arg-type]


def test_help_tells_choices_units_and_defaults() -> None:
    command = argparse.ArgumentParser(prog="x", usage="x")
    arguments.add(command, Asked)
    text = " ".join(command.format_help().split())
    for told in ("LAYOUT how the disks stand together; one of mirror, raidz1", "--quota SIZE how much",
                 "--pause TIME how long (default: 60)", "100% at most (default: 0.5)"):  # fmt: skip
        assert told in text


class Part(Value):
    size: int


class Nested(Arguments):
    parts: tuple[Part, ...]


class Reserved(Arguments):
    yes: bool = False


class Placed(Arguments):
    on: Annotated[bool, Positional()]


@pytest.mark.parametrize("kind", [Nested, Reserved, Placed])
def test_what_no_command_line_can_say_is_no_operation(kind: type[Arguments]) -> None:
    with pytest.raises(TypeError):
        arguments.add(argparse.ArgumentParser(), kind)


def test_a_declaration_tells_its_shape() -> None:
    by_name = {each.name: each for each in shapes(Asked)}
    assert (by_name["disks"].listed, by_name["disks"].least, by_name["disks"].is_many) == ("disk", 1, True)
    assert (by_name["quota"].unit, by_name["quota"].is_nullable) == ("bytes", True)
    assert by_name["name"].listed == ""


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("4096", 4096), ("500G", 500 * 2**30), ("1.5t", 3 * 2**39), ("2 TiB", 2**41),
     ("4TB", 4 * 10**12), ("1k", 1024), ("0.5KB", 500), ("9223372036854775807", 2**63 - 1)],
)  # fmt: skip
def test_sizes(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    "text", ["", "-1", "1e9", "G", "1.G", "1,5T", "0x10", "1 000", "5 parsecs", "∞", "1" * 50]
)
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="a size such as"):
        parse_bytes(text)


def test_a_size_that_is_shown_can_be_typed() -> None:
    for size in (0, 512, 1024, 2**30, 1536 * 2**40):
        assert parse_bytes(format_bytes(size)) == size


def test_durations() -> None:
    assert [parse_duration(each) for each in ("90", "90s", "5min", "2h", "7d", "1.5h", "4w")] == [
        90, 90, 300, 7200, 604_800, 5400, 2_419_200,
    ]  # fmt: skip
