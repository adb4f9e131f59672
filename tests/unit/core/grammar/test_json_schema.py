"""Texts that a compiled schema lets through satisfy the schema, judged by another implementation."""

from __future__ import annotations

import json
import random
import time
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.grammar import any_json_object, compile_schema
from sigmavault.core.grammar.keywords import ANNOTATIONS, COMPILED

from tests.unit.core.grammar.gbnf_reader import Matcher, Reader
from tests.unit.core.grammar.schemas import ACCEPTED, REFUSED, S, loose, obj

PARAM = "response_format"
TEXTS = 40


@cache
def written(gbnf: str, count: int = TEXTS) -> tuple[str, ...]:
    """Random texts of a grammar, the same each time."""
    reader, luck = Reader.read(gbnf), random.Random(7)  # noqa: S311
    return tuple(reader.write(luck) for _ in range(count))


def validator(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schema, format_checker=checker)


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_grammar_matches_satisfies_the_schema(name: str) -> None:
    check = validator(ACCEPTED[name])
    for text in written(compile_schema(ACCEPTED[name], param=PARAM)):
        value = json.loads(text)
        assert not list(check.iter_errors(value)), text
        text.encode()


@pytest.mark.parametrize("name", ACCEPTED)
def test_names_come_once_and_white_space_is_bounded(name: str) -> None:
    def no_doubles(pairs: list[tuple[str, Any]]) -> None:
        named = [each for each, _ in pairs if each in ACCEPTED[name].get("properties", {})]
        assert len(named) == len(set(named))

    for text in written(compile_schema(ACCEPTED[name], param=PARAM)):
        json.loads(text, object_pairs_hook=no_doubles)
        assert "\n\n" not in text


@pytest.mark.parametrize("name", REFUSED)
def test_a_schema_that_cannot_be_held_is_refused_with_the_keyword(name: str) -> None:
    keyword, schema = REFUSED[name]
    with pytest.raises(InvalidRequestError, match=rf"^`{keyword.replace('$', '.')}` at #") as error:
        compile_schema(schema, param=PARAM)
    assert error.value.param == PARAM
    assert len(error.value.message) < 600


def test_the_place_of_the_keyword_is_named() -> None:
    inner: dict[str, Any] = {"a/b": {"anyOf": [S, {"not": S}]}}
    schema = obj(disks={"type": "array", "items": obj(**inner)})
    with pytest.raises(
        InvalidRequestError, match=r"^`not` at #/properties/disks/items/properties/a~1b/anyOf/1:"
    ):
        compile_schema(schema, param=PARAM)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (obj("a", a=S), '{"a":"x"}'),
        (ACCEPTED["enum of strings"], '"upper"'),
        (ACCEPTED["integer within"], "120"),
        (ACCEPTED["number within"], "0.5"),
        (ACCEPTED["format date"], '"2026-11-22"'),
        (ACCEPTED["pattern with alternatives"], '"raidz2"'),
        (ACCEPTED["list of types"], "null"),
    ],
)
def test_ordinary_values_are_among_what_is_written(schema: dict[str, Any], text: str) -> None:
    assert Matcher(Reader.read(compile_schema(schema, param=PARAM))).matches(text)


@pytest.mark.parametrize("low", [-1000, -101, -99, -10, -1, 0, 1, 7, 10, 99, 100, 123])
@pytest.mark.parametrize("width", [0, 5, 89, 100])
def test_every_whole_number_within_bounds_can_be_written_and_no_other(low: int, width: int) -> None:
    gbnf = compile_schema({"type": "integer", "minimum": low, "maximum": low + width}, param=PARAM)
    found = {int(text) for text in written(gbnf, 400 + 60 * width)}
    assert found <= set(range(low, low + width + 1))
    assert {low, low + width} <= found or width > 90


def test_json_mode_writes_objects() -> None:
    for text in written(any_json_object(), 200):
        assert isinstance(json.loads(text), dict)


def test_properties_come_in_the_order_of_the_schema() -> None:
    schema = obj("z", "a", z=S, m=S, a=S, b=S)
    for text in written(compile_schema(schema, param=PARAM)):
        names = list(json.loads(text))
        assert names == [each for each in "zmab" if each in names]


@pytest.mark.parametrize(
    "schema",
    [
        loose("a", a=S),
        obj("a", a=S, b=S),
        obj("a", a={"type": "object", "properties": {}}),
        {"anyOf": [obj("a", a=S)]},
        S,
    ],
)
def test_a_strict_schema_keeps_openais_rules(schema: dict[str, Any]) -> None:
    compile_schema(schema, param=PARAM)
    with pytest.raises(InvalidRequestError):
        compile_schema(schema, param=PARAM, strict=True)


def test_a_strict_schema_that_keeps_the_rules_is_compiled() -> None:
    assert compile_schema(ACCEPTED["required properties"], param=PARAM, strict=True)


@pytest.mark.parametrize("schema", [None, [], "x", 3, True])
def test_what_is_no_schema_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidRequestError):
        compile_schema(schema, param=PARAM)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 3000) | st.floats() | st.text(max_size=5)
    | st.sampled_from(["object", "string", "array", "integer", "#", "#/properties/a", "^a+$", "date"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(sorted(COMPILED | ANNOTATIONS | {"a"})), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(schema=st.dictionaries(st.sampled_from(sorted(COMPILED)), JUNK, max_size=5))
def test_any_schema_is_compiled_or_refused(schema: dict[str, Any]) -> None:
    try:
        gbnf = compile_schema(schema, param=PARAM)
    except InvalidRequestError as error:
        assert error.message.startswith("`")
        return
    for text in written(gbnf, 5):
        json.loads(text)


def crowded(value: dict[str, Any]) -> dict[str, Any]:
    """1800 schemas, of `value` each."""
    return obj(**{f"p{at}": obj(**{f"q{each}": value for each in range(18)}) for at in range(100)})


LONG = {f"{at}{'k' * 20_000}": S for at in range(100)}
COSTLY: dict[str, dict[str, Any]] = {
    "patterns": crowded({"type": "string", "pattern": "^(a|b)*a(a|b){8}$"}),
    "patterns without rules": crowded({"type": "string", "pattern": "^([a-z]{1,70}[a-z]{1,70}|.*)$"}),
    "bounds": crowded({"type": "number", "minimum": 0.123456, "maximum": 987654321.654321}),
    "formats": crowded({"type": "string", "format": "email", "minLength": 5}),
    "lengths": crowded({"type": "string", "pattern": "^[a-z ]*$", "maxLength": 1400}),
    "names": {"type": "object", "properties": LONG, "additionalProperties": S},
    "constants": {"enum": [*LONG]},
}


@pytest.mark.parametrize("name", COSTLY)
def test_work_is_bounded(name: str) -> None:
    """Minutes without the bound, for the first one; each is half a second with it."""
    begin = time.process_time()
    with pytest.raises(InvalidRequestError, match=r"too (large|complex)"):
        compile_schema(COSTLY[name], param=PARAM)
    assert time.process_time() - begin < 5
