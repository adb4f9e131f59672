"""Schemas that are compiled, and schemas that are refused with the keyword that is the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

S = {"type": "string"}
I = {"type": "integer"}  # noqa: E741


def loose(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def obj(*required: str, **properties: Any) -> dict[str, Any]:
    return {**loose(*required, **properties), "additionalProperties": False}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def defs(begin: str, **schemas: Any) -> dict[str, Any]:
    return {**ref(begin), "$defs": schemas}


NODE = obj("value", "next", value=I, next={"anyOf": [ref("node"), {"type": "null"}]})
TREE = obj("name", "children", name=S, children={"type": "array", "items": {"$ref": "#"}})
NUM = obj("kind", "value", kind={"const": "num"}, value={"type": "number"})
ADD = obj("kind", "left", "right", kind={"const": "add"}, left=ref("e"), right=ref("e"))
ODD_KEYS = ['quo"te', "back\\slash", "line\nbreak", "ключ", "🙂", "", "a b", "]", "-", "/~", "\t"]
ODD: dict[str, Any] = dict.fromkeys(ODD_KEYS, I)
EITHER = [{"required": ["a"]}, {"required": ["b"]}]

ACCEPTED: dict[str, dict[str, Any]] = {
    "any value": {},
    "string": S,
    "integer": I,
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
    "any object": {"type": "object"},
    "any array": {"type": "array"},
    "list of types": {"type": ["string", "null", "integer"]},
    "number beside integer": {"type": ["integer", "number"]},
    "list of types with keywords": {"type": ["string", "array"], "maxLength": 3, "maxItems": 2},
    "required properties": obj("a", "b", a=S, b=I),
    "optional properties": obj("b", a=S, b=I, c={"type": "boolean"}, d=S),
    "only optional properties": obj(a=S, b=I),
    "open by default": loose("a", a=S),
    "additional properties": {**obj("type", type=S, typ=I), "additionalProperties": True},
    "additional properties of a type": {"type": "object", "additionalProperties": I},
    "additional beside optional ones": {**obj(a=S, ab=S), "additionalProperties": {"type": "boolean"}},
    "no property at all": {"type": "object", "additionalProperties": False},
    "required without schema": {"type": "object", "required": ["b", "a"], "properties": {"a": I}},
    "required of the additional type": {"type": "object", "required": ["z"], "additionalProperties": I},
    "object without type": {"properties": {"a": S}, "required": ["a"]},
    "counted properties": {**obj("a", a=S, b=S), "minProperties": 1, "maxProperties": 2},
    "odd names": obj(*ODD_KEYS, **ODD),
    "odd names beside others": {**obj(**ODD), "additionalProperties": S},
    "nested objects": obj("a", a=obj("b", b=obj("c", c=S))),
    "enum of strings": {"type": "string", "enum": ["up", "upper", "down", "", "up\n", 'qu"o', "ü", "\\"]},
    "enum of one": {"enum": ["only"]},
    "enum of many kinds": {"enum": [1, 1.5, "1", True, None, [1, "a"], {"k": [None]}, -3]},
    "enum filtered by type": {"type": ["string", "null"], "enum": ["a", None, 5]},
    "large enum": {"enum": [f"tank/data{n:03}" for n in range(500)]},
    "const": obj("v", v={"const": {"deep": ["x", 1, False]}}),
    "const of a type": {"type": "integer", "const": 7},
    "anyOf of types": {"anyOf": [S, I, {"type": "null"}]},
    "anyOf that overlaps": {"anyOf": [{"type": "number"}, I, {"enum": ["x"]}, S]},
    "anyOf of objects": {"anyOf": [obj("a", a=S), obj("a", "b", a=I, b=S)]},
    "anyOf beside keywords": {**loose(a=S, b=I), "anyOf": EITHER},
    "oneOf by type": {"oneOf": [S, I, {"type": "array", "items": I}]},
    "oneOf by constant": {"oneOf": [NUM, obj("kind", kind={"const": "none"})]},
    "oneOf by required property": {"oneOf": [obj("a", a=S), obj("b", b=S)]},
    "oneOf of open objects": {"oneOf": [loose("a", a=S), loose("b", b=S)]},
    "allOf of one": obj("a", a={"allOf": [ref("s")], "description": "d"}) | {"$defs": {"s": S}},
    "allOf of objects": {"allOf": [loose("a", a=S), loose("b", b=I)]},
    "allOf of keywords": {"allOf": [S, {"minLength": 2}, {"maxLength": 5}, {"minLength": 3}]},
    "allOf narrows types": {"allOf": [{"type": ["integer", "string"]}, {"type": ["number", "null"]}]},
    "allOf narrows values": {"allOf": [{"enum": [1, 2, 3]}, {"enum": [3.0, 2, "1"]}]},
    "allOf of one property": {"allOf": [loose("a", a={"minimum": 3}), loose(a=I)]},
    "reference": obj("a", "b", a=ref("s"), b=ref("s")) | {"$defs": {"s": I}},
    "reference with more": {"$ref": "#/definitions/s", "maxLength": 4, "definitions": {"s": S}},
    "reference with escapes": {"$ref": "#/$defs/a~1b~0c", "$defs": {"a/b~c": S}},
    "linked list": defs("node", node=NODE),
    "tree": TREE,
    "expressions": defs("e", e={"anyOf": [NUM, ADD]}),
    "array of a type": {"type": "array", "items": I},
    "array of a length": {"type": "array", "items": S, "minItems": 2, "maxItems": 4},
    "array of exactly one": {"type": "array", "items": I, "minItems": 1, "maxItems": 1},
    "empty array": {"type": "array", "items": S, "maxItems": 0},
    "long array": {"type": "array", "items": I, "maxItems": 2000},
    "tuple": {"type": "array", "prefixItems": [S, I], "items": False},
    "tuple of a length": {"type": "array", "prefixItems": [S, I, S], "minItems": 2, "items": False},
    "tuple with more": {"type": "array", "prefixItems": [S], "items": I, "minItems": 2, "maxItems": 4},
    "short tuple": {"type": "array", "prefixItems": [S, I, S], "maxItems": 1},
    "unique items of one": {"type": "array", "items": S, "uniqueItems": True, "maxItems": 1},
    "string of a length": {"type": "string", "minLength": 2, "maxLength": 5},
    "empty string": {"type": "string", "maxLength": 0},
    "longest string": {"type": "string", "maxLength": 2000},
    "least length": {"type": "string", "minLength": 3},
    "pattern": {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,15}$"},
    "pattern found anywhere": {"type": "string", "pattern": "ab+c"},
    "pattern with alternatives": {"type": "string", "pattern": "^(?:raid(z[123])?|mirror|stripe)$"},
    "pattern of alternatives with anchors": {"type": "string", "pattern": "^a|b$"},
    "pattern with escapes": {"type": "string", "pattern": '^\\/dev\\/[\\w\\-]+\\.\\x41"\\\\\\t[^"\\\\\\s]?$'},
    "pattern of a length": {"type": "string", "pattern": "^(ab|c)*$", "minLength": 3, "maxLength": 6},
    "ambiguous pattern": {"type": "string", "pattern": "^(a|aa|a*b?)*$", "maxLength": 9},
    "mac address": {"type": "string", "pattern": "^([0-9A-F]{2}:){5}[0-9A-F]{2}$"},
    "size": {"type": "string", "pattern": "^[1-9]\\d{0,5}[KMGT]i?B?$"},
    **{f"format {each}": {"type": "string", "format": each} for each in (
        "date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")},
    "format with room": {"type": "string", "format": "email", "maxLength": 254},
    "format of a length": {"type": "string", "format": "hostname", "maxLength": 8},
    "integer within": {"type": "integer", "minimum": 3, "maximum": 120},
    "integer around zero": {"type": "integer", "minimum": -15, "maximum": 1005},
    "negative integer": {"type": "integer", "minimum": -1999, "maximum": -87},
    "integer above": {"type": "integer", "exclusiveMinimum": 0},
    "integer below": {"type": "integer", "exclusiveMaximum": -9.5},
    "integer of 64 bits": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "single integer": {"type": "integer", "minimum": 42, "maximum": 42, "multipleOf": 1},
    "number within": {"type": "number", "minimum": 0, "maximum": 1},
    "number between decimals": {"type": "number", "minimum": -0.25, "exclusiveMaximum": 12.345},
    "number of a small range": {"type": "number", "exclusiveMinimum": 1.5, "exclusiveMaximum": 1.51},
    "number above": {"type": "number", "exclusiveMinimum": 0},
    "annotations": {"title": "T", "description": "d", "default": 1, "examples": [2], "x-order": 1, **I},
    "true": obj("a", a=True),
    "snapshot policy": obj(
        "dataset", "keep", "schedule", "tags",
        dataset={"type": "string", "pattern": "^tank(/[a-z0-9]+){0,3}$"},
        keep={"type": "integer", "minimum": 1, "maximum": 365},
        schedule={"enum": ["hourly", "daily", "weekly"]},
        tags={"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 12}, "maxItems": 3},
    ),
}  # fmt: skip


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = S
    for _ in range(depth):
        schema = obj("a", a=schema)
    return schema


def chained(levels: int, twice: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Definitions of which each holds the next one twice."""
    return defs("d0", **{f"d{n}": twice(ref(f"d{n + 1}")) for n in range(levels)}, **{f"d{levels}": S})


def alike(inner: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [obj("t", "a", t=I, a=inner), obj("t", "b", t=I, b=inner)]}


ALIKE = [obj("v", v=I), obj("l", "v", l=ref("e"), v=S), obj("l", "w", l=ref("e"), w=S)]
MANY: dict[str, Any] = {f"p{n}": S for n in range(101)}
ENUMS: dict[str, Any] = {f"p{n}": {"enum": [f"{n}-{m}" for m in range(30)]} for n in range(40)}
LONG: dict[str, Any] = {f"p{n}": {"type": "string", "maxLength": 2000} for n in range(30)}
CROWD: dict[str, Any] = {f"p{n}": {"$ref": "#"} for n in range(100)}
HALF: dict[str, Any] = {"\udfff": S}

REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "unknown keyword": ("maxlength", {"type": "string", "maxlength": 3}),
    "unknown type": ("type", {"type": "text"}),
    "no types": ("type", {"type": []}),
    "type of the wrong kind": ("type", {"type": 3}),
    "false": ("schema", {"type": "array", "items": False, "minItems": 1}),
    "not": ("not", {"not": S}),
    "if": ("if", {"if": S, "then": S}),
    "patternProperties": ("patternProperties", {"type": "object", "patternProperties": {"^x": S}}),
    "propertyNames": ("propertyNames", {"type": "object", "propertyNames": S}),
    "dependentRequired": ("dependentRequired", {"type": "object", "dependentRequired": {"a": ["b"]}}),
    "unevaluatedProperties": ("unevaluatedProperties", {"type": "object", "unevaluatedProperties": False}),
    "contains": ("contains", {"type": "array", "contains": S}),
    "uniqueItems": ("uniqueItems", {"type": "array", "items": S, "uniqueItems": True}),
    "multipleOf": ("multipleOf", {"type": "integer", "multipleOf": 5}),
    "nullable": ("nullable", {"type": "string", "nullable": True}),
    "minProperties": ("minProperties", {"type": "object", "minProperties": 1}),
    "maxProperties": ("maxProperties", {"type": "object", "maxProperties": 1}),
    "required but forbidden": ("required", {**obj("b", a=S)}),
    "long string": ("maxLength", {"type": "string", "maxLength": 2001}),
    "million characters": ("maxLength", {"type": "string", "maxLength": 10**6}),
    "long least": ("minLength", {"type": "string", "minLength": 10**6}),
    "million items": ("maxItems", {"type": "array", "items": S, "maxItems": 10**6}),
    "least above most": ("maxLength", {"type": "string", "minLength": 3, "maxLength": 2}),
    "negative count": ("minItems", {"type": "array", "minItems": -1}),
    "count of text": ("minItems", {"type": "array", "minItems": "1"}),
    "unknown format": ("format", {"type": "string", "format": "uri-template"}),
    "format beside pattern": ("pattern", {"type": "string", "format": "uuid", "pattern": "^a$"}),
    "look-ahead": ("pattern", {"type": "string", "pattern": "^(?=a)b$"}),
    "back reference": ("pattern", {"type": "string", "pattern": "^(a)\\1$"}),
    "word boundary": ("pattern", {"type": "string", "pattern": "\\bword\\b"}),
    "anchor inside": ("pattern", {"type": "string", "pattern": "a^b"}),
    "open group": ("pattern", {"type": "string", "pattern": "^(a$"}),
    "stray bracket": ("pattern", {"type": "string", "pattern": "^a)b$"}),
    "million repetitions": ("pattern", {"type": "string", "pattern": "^a{1000000}$"}),
    "multiplied repetitions": ("pattern", {"type": "string", "pattern": "^((a{50}){50}){50}$"}),
    "pattern of many states": ("pattern", {"type": "string", "pattern": "^[ab]*a[ab]{20}$"}),
    "empty pattern of a length": ("pattern", {"type": "string", "pattern": "^aaa$", "maxLength": 2}),
    "long pattern": ("pattern", {"type": "string", "pattern": "a" * 5000}),
    "nothing within": ("minimum", {"type": "integer", "minimum": 3, "maximum": 2}),
    "draft 4 bound": ("exclusiveMinimum", {"type": "integer", "minimum": 3, "exclusiveMinimum": True}),
    "bound of many digits": ("minimum", {"type": "number", "minimum": 0.12345678}),
    "enum that fits nothing": ("enum", {"type": "string", "enum": [1, 2]}),
    "empty enum": ("enum", {"enum": []}),
    "enum beside length": ("maxLength", {"enum": ["a", "abc"], "maxLength": 1}),
    "huge enum": ("enum", {"enum": list(range(1001))}),
    "many enums": ("enum", obj(**ENUMS)),
    "enum with half a character": ("enum", {"enum": ["\ud800"]}),
    "name with half a character": ("properties", obj(**HALF)),
    "many properties": ("properties", obj(**MANY)),
    "many alternatives": ("anyOf", {"anyOf": [S] * 65}),
    "no alternatives": ("anyOf", {"anyOf": []}),
    "anyOf and oneOf": ("oneOf", {"anyOf": [S], "oneOf": [S]}),
    "oneOf that overlaps": ("oneOf", {"oneOf": [{"type": "number"}, I]}),
    "oneOf of patterns": ("oneOf", {"oneOf": [{"type": "string", "pattern": "^a$"}, S]}),
    "oneOf of like objects": ("oneOf", {"oneOf": [obj("a", a=S), obj("a", a=I)]}),
    "allOf in conflict": ("format", {"allOf": [{"format": "uuid"}, {"format": "date"}]}),
    "allOf without common type": ("type", {"allOf": [S, I]}),
    "allOf of closed objects": ("additionalProperties", {"allOf": [obj("a", a=S), obj("b", b=S)]}),
    "reference elsewhere": ("$ref", {"$ref": "https://example.org/schema"}),
    "reference to nothing": ("$ref", {"$ref": "#/$defs/none", "$defs": {}}),
    "reference to itself": ("$ref", {"$ref": "#"}),
    "references in a circle": ("$ref", defs("a", a=ref("b"), b=ref("a"))),
    "alternatives in a circle": ("$ref", defs("a", a={"anyOf": [ref("a"), S]})),
    "recursion without end": ("$ref", obj("a", a={"$ref": "#"})),
    "allOf in a circle": ("allOf", defs("a", a={"allOf": [ref("a"), S]})),
    "depth": ("schema", nested(40)),
    "great depth": ("schema", nested(400)),
    "doubled at each level": ("anyOf", chained(8, alike)),
    "doubled without step": ("anyOf", chained(10, lambda each: {"anyOf": [each, each]})),
    "joined twice at each level": ("schema", chained(15, lambda each: {"allOf": [each, each]})),
    "alike and nested": ("anyOf", defs("e", e={"anyOf": ALIKE})),
    "many references": ("schema", {"anyOf": [loose(**CROWD)] * 60}),
    "too large": ("schema", obj(**LONG)),
    "dynamic reference": ("$dynamicRef", {"$dynamicRef": "#a"}),
}  # fmt: skip
