"""What JSON schema's keywords mean here: which are compiled, which say nothing, how two schemas join.

A keyword that is in none of these tables is refused: a schema is never obeyed in part.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

type Schema = Mapping[str, Any]
type Refuse = Callable[[str, str], NoReturn]
"""Takes the keyword and what is wrong with it."""

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")

MAX_PROPERTIES = 100
MAX_OPTIONS = 64

OF_TYPE: dict[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties", "minProperties", "maxProperties"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems"}),
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
}
"""Keywords that bind values of one type only; `integer` shares those of `number`."""

COMBINING = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"})

ANNOTATIONS = frozenset({
    "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly",
    "$schema", "$id", "$comment", "$defs", "definitions", "discriminator",
})  # fmt: skip
"""Keywords that bind nothing. So do all that begin with `x-`."""

COMPILED = COMBINING.union(*OF_TYPE.values())


def is_annotation(keyword: str) -> bool:
    """Whether a keyword binds nothing."""
    return keyword in ANNOTATIONS or keyword.startswith("x-")


def binding(schema: Schema) -> dict[str, Any]:
    """A schema without its annotations."""
    return {key: value for key, value in schema.items() if not is_annotation(key)}


def _is_schema(value: Any) -> bool:
    return isinstance(value, Mapping | bool)


def _are_schemas(value: Any) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= MAX_OPTIONS and all(map(_is_schema, value))


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and _is_text(each) for each in value)


def _are_properties(value: Any) -> bool:
    if not isinstance(value, Mapping) or len(value) > MAX_PROPERTIES:
        return False
    return all(_is_text(name) and _is_schema(each) for name, each in value.items())


def _is_text(value: Any) -> bool:
    """Whether it is a text without halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


_SHAPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "properties": (_are_properties, f"is no object of at most {MAX_PROPERTIES} schemas"),
    "required": (_are_texts, "is no list of names"),
    "additionalProperties": (_is_schema, "is no schema"),
    "items": (_is_schema, "is no schema (`prefixItems` takes a list)"),
    "prefixItems": (_are_schemas, f"is no list of 1 to {MAX_OPTIONS} schemas"),
    "anyOf": (_are_schemas, f"is no list of 1 to {MAX_OPTIONS} schemas"),
    "oneOf": (_are_schemas, f"is no list of 1 to {MAX_OPTIONS} schemas"),
    "allOf": (_are_schemas, f"is no list of 1 to {MAX_OPTIONS} schemas"),
    "enum": (lambda value: isinstance(value, list) and len(value) > 0, "is no list of values"),
}


def check(schema: Any, refuse: Refuse) -> Schema:
    """A schema all of whose keywords are known and of the right shape; `true` becomes the empty one."""
    if schema is True:
        return {}
    if not isinstance(schema, Mapping):
        refuse("schema", "is no object" if schema is not False else "`false` allows nothing")
    for keyword in binding(schema):
        if keyword not in COMPILED:
            refuse(keyword[:80], "cannot be put into a grammar")
        fits, reason = _SHAPES.get(keyword, (bool, ""))
        if reason and not fits(schema[keyword]):
            refuse(keyword, reason)
    return schema


def is_plain_object(schema: Schema) -> bool:
    """Whether a schema describes one object by its properties."""
    return schema.get("type") in ("object", ["object"]) and not schema.keys() & (COMBINING - {"type"})


def canonical(value: Any) -> str:
    """One text for values that JSON schema holds equal: 1 and 1.0 are, 1 and true are not."""
    return json.dumps(_canonical(value), sort_keys=True)


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _canonical(each) for key, each in value.items()}
    return [_canonical(each) for each in value] if isinstance(value, list | tuple) else value


def type_of(value: Any) -> str:
    """JSON schema's name of a value's type."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    names = {float: "number", str: "string", type(None): "null", list: "array"}
    return names.get(type(value), "object")


def has_type(value: Any, types: Sequence[str]) -> bool:
    """Whether a value is of one of the types."""
    name = type_of(value)
    return name in types or (name == "integer" and "number" in types)


def types_of(schema: Schema, refuse: Refuse) -> tuple[str, ...]:
    """The types that a schema names, in its order; empty when it names none."""
    named = schema.get("type", ())
    named = (named,) if isinstance(named, str) else named
    if not isinstance(named, list | tuple) or ("type" in schema and not named):
        refuse("type", "is no type and no list of types")
    for each in named:
        if each not in TYPES:
            refuse("type", f"`{str(each)[:40]}` is none of {', '.join(TYPES)}")
    return tuple(dict.fromkeys(named))


def join(left: Schema, right: Schema, refuse: Refuse) -> dict[str, Any]:
    """A schema that holds where both hold."""
    joined = binding(left)
    other = binding(right)
    _check_closed(joined, other, refuse)
    _check_closed(other, joined, refuse)
    for key, value in other.items():
        joined[key] = _join_keyword(key, joined[key], value, refuse) if key in joined else value
    return joined


def _join_keyword(key: str, left: Any, right: Any, refuse: Refuse) -> Any:
    if key == "properties" and isinstance(left, Mapping) and isinstance(right, Mapping):
        return {**left, **{name: _both(left.get(name), each) for name, each in right.items()}}
    if key == "required" and isinstance(left, list) and isinstance(right, list):
        return [*left, *(name for name in right if name not in left)]
    if key == "type":
        return _common_types({"type": left}, {"type": right}, refuse)
    if key == "enum" and isinstance(left, list) and isinstance(right, list):
        known = {canonical(each) for each in right}
        return [each for each in left if canonical(each) in known]
    if key in ("minLength", "minItems", "minimum", "maxLength", "maxItems", "maximum"):
        for each in (left, right):
            if isinstance(each, bool) or not isinstance(each, int | float):
                refuse(key, "is no number")
        return (max if key.startswith("min") else min)(left, right)
    if canonical(left) == canonical(right):
        return left
    refuse(key, "two schemas that hold together say different things")


def _common_types(left: Schema, right: Schema, refuse: Refuse) -> list[str]:
    first, second = types_of(left, refuse), types_of(right, refuse)
    common = [each for each in first if each in second or (each == "integer" and "number" in second)]
    common += [each for each in second if each == "integer" and "number" in first and each not in first]
    return common or refuse("type", "two schemas that hold together have no type in common")


def _both(left: Any, right: Any) -> Any:
    return right if left is None or left == right else {"allOf": [left, right]}


def _check_closed(closed: Schema, other: Schema, refuse: Refuse) -> None:
    """Properties that one schema adds must not be those that the other forbids or binds."""
    if closed.get("additionalProperties", True) is True:
        return
    own = closed.get("properties", {})
    if any(name not in own for name in other.get("properties", {})):
        refuse("additionalProperties", "forbids properties of a schema that holds together with it")


def told_apart(left: Schema, right: Schema, refuse: Refuse) -> bool:
    """Whether no value can satisfy both (shown by type, by constants or by a required property)."""
    if (first := _values(left)) is not None and (second := _values(right)) is not None:
        return not first & second
    types = _all_types(left, refuse), _all_types(right, refuse)
    if types[0] and types[1]:
        common = _numeric(types[0]) & _numeric(types[1])
        if common != {"object"}:
            return not common
    if _misses(left, right) and _misses(right, left):
        return True
    return _by_property(left, right) or _by_property(right, left)


def _misses(left: Schema, right: Schema) -> bool:
    """Whether objects written for the left one lack a property that the right one requires."""
    own = left.get("properties", {})
    return not left.get("additionalProperties") and any(name not in own for name in right.get("required", ()))


def _values(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {canonical(schema["const"])}
    return {canonical(each) for each in schema["enum"]} if isinstance(schema.get("enum"), list) else None


def _all_types(schema: Schema, refuse: Refuse) -> tuple[str, ...]:
    if values := schema.get("enum", [schema["const"]] if "const" in schema else None):
        return tuple({type_of(each) for each in values})
    named = types_of(schema, refuse)
    return named or (("object",) if "properties" in schema else ())


def _numeric(types: Sequence[str]) -> set[str]:
    return {*types, "integer"} if "number" in types else set(types)


def _by_property(left: Schema, right: Schema) -> bool:
    """Whether the left one requires a property that the right one forbids, or has other constants for."""
    ours, theirs = left.get("properties", {}), right.get("properties", {})
    for name in left.get("required", ()):
        if name not in theirs:
            if right.get("additionalProperties") is False:
                return True
        elif name in right.get("required", ()) and name in ours:
            first, second = _values(ours[name]), _values(theirs[name])
            if first is not None and second is not None and not first & second:
                return True
    return False
