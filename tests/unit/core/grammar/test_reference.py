"""The reference page says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sigmavault.core.grammar import automaton, gbnf, keywords, pattern, scalars, schema
from sigmavault.core.tools import MAX_CALLS, ToolFormat
from sigmavault.core.tools.grammar import MAX_TOOLS

PAGE = (Path(__file__).parents[4] / "docs/reference/structured-output.md").read_text()


def section(title: str) -> str:
    return PAGE.partition(f"{title}\n")[2].partition("\n#")[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[1:]]


def test_every_keyword_is_in_the_table_and_no_other() -> None:
    told = {name for row in rows("### Keywords") for name in re.findall(r"`([^`]+)`", row[0])}
    assert told == keywords.COMPILED | keywords.ANNOTATIONS | {"x-…"}


@pytest.mark.parametrize(
    "keyword", re.findall(r"`(\w+)`", section("### Keywords").rpartition("Every other")[2])
)
def test_what_is_said_to_be_refused_is_refused(keyword: str) -> None:
    assert keyword not in keywords.COMPILED
    assert not keywords.is_annotation(keyword)


def test_formats_are_those_of_the_code() -> None:
    row = next(row for row in rows("### Keywords") if row[0] == "`format`")
    assert set(re.findall(r"`([^`]+)`", row[1])) == scalars.FORMATS.keys()


def test_limits_are_those_of_the_code() -> None:
    assert [int(row[1]) for row in rows("### Limits")] == [
        schema.MAX_SCHEMAS,
        schema.MAX_DEPTH,
        keywords.MAX_PROPERTIES,
        keywords.MAX_OPTIONS,
        scalars.MAX_ENUM,
        pattern.MAX_LENGTH,
        automaton.MAX_STATES,
        gbnf.MAX_WORK,
        schema.MAX_RULES,
        schema.MAX_REPETITIONS,
        schema.MAX_TEXT,
    ]
    assert f"up to {gbnf.MAX_REPEAT} |" in PAGE
    assert f"up to {MAX_CALLS}. There are up to {MAX_TOOLS} tools" in PAGE


def test_every_format_of_calls_is_named() -> None:
    assert [row[0].strip("`") for row in rows("## How models write calls")] == list(ToolFormat)
