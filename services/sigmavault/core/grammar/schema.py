"""JSON schema to grammar: every text that the grammar matches is JSON that satisfies the schema.

Not the other way round: of the satisfying texts some are never written. Objects have their properties in
the schema's order and none that it does not name (unless `additionalProperties` asks for them), whole
numbers have at most 15 digits, white space is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.grammar import json_text, keywords
from sigmavault.core.grammar.forks import Forks, Option
from sigmavault.core.grammar.gbnf import Node, Ref, Rules, Text, TooLargeError, alt
from sigmavault.core.grammar.json_text import JSON, Dialect, Property
from sigmavault.core.grammar.keywords import Schema, binding, canonical
from sigmavault.core.grammar.scalars import MAX_ENUM, constants_of, count, number_of, string_of

MAX_DEPTH = 32
MAX_SCHEMAS = 2000
MAX_RULES = 6000
MAX_REPETITIONS = 20_000
MAX_TEXT = 250_000
_MAX_REFERENCES = 32
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a schema is: its path, what it is in, how deep."""

    path: str
    inside: int
    depth: int

    @property
    def is_root(self) -> bool:
        """Whether it is the whole schema, and not a part of it that is like the whole (`$ref`)."""
        return self.path == "#" and self.depth == 0


@dataclass(slots=True, kw_only=True)
class SchemaCompiler:
    """Adds the rules of one schema to a grammar.

    Attributes:
        rules: of the grammar.
        root: the whole schema, into which `$ref` points.
        param: the argument of the request that it is, for errors.
        dialect: how constants are written.
        strict: OpenAI's rules for strict schemas hold.
        call: the schema is of the arguments of a call in Python: `(a=1, b=2)`.
    """

    rules: Rules
    root: Schema
    param: str
    dialect: Dialect = JSON
    strict: bool = False
    call: bool = False
    _forks: Forks = field(default_factory=Forks)
    _references: dict[str, tuple[Ref, int]] = field(default_factory=dict)
    _visits: int = 0
    _enums: int = 0
    _joining: int = 0

    def compile(self) -> Node:
        """The node of the schema, with all it needs among the rules.

        Raises:
            InvalidRequestError: it cannot be compiled faithfully; names the keyword and its place.
        """
        try:
            if self.strict and (self.root.get("type") != "object" or "anyOf" in self.root):
                self._refuse("type", "a strict schema is of type `object`, not `anyOf`", "#")
            node, _ = self._visit(self.root, _Place(path="#", inside=self._forks.new("#"), depth=0))
            self._check()
        except RecursionError:
            self._refuse("schema", "is nested too deep", "#")
        except TooLargeError:
            self._refuse("schema", "is too large", "#")
        return node

    def _refuse(self, keyword: str, reason: str, path: str) -> NoReturn:
        raise InvalidRequestError(f"`{keyword}` at {path[:300]}: {reason}", param=self.param)

    def _refuser(self, path: str) -> keywords.Refuse:
        def refuse(keyword: str, reason: str) -> NoReturn:
            self._refuse(keyword, reason, path)

        return refuse

    def _check(self) -> None:
        """What only the whole grammar shows."""
        if self.rules.endless() or self.rules.circle():
            self._refuse("$ref", "goes in a circle that never ends", "#")
        if place := self._forks.find(self.rules):
            reason = (
                "alternatives begin alike and are nested: begin each with a required property that tells it "
                "from the others (a `const`)"
            )
            self._refuse("anyOf", reason, place)
        if len(self.rules.nodes) > MAX_RULES or self.rules.repetitions() > MAX_REPETITIONS:
            self._refuse("schema", "is too large", "#")

    def _visit(self, schema: Any, place: _Place) -> tuple[Node, int]:
        refuse = self._refuser(place.path)
        schema = keywords.check(schema, refuse)
        if place.depth > MAX_DEPTH:
            refuse("schema", f"is nested deeper than {MAX_DEPTH}")
        self._visits += 1
        if self._visits > MAX_SCHEMAS:
            refuse("schema", f"consists of more than {MAX_SCHEMAS} schemas")
        if len(self.rules.nodes) > MAX_RULES:
            refuse("schema", "is too large")
        if binding(schema).keys() == {"$ref"}:
            return self._reference(schema["$ref"], place)
        part = self._forks.new(place.path)
        self._forks.holds(place.inside, part)
        inner = _Place(path=place.path, inside=part, depth=place.depth)
        return self._compile(self._resolve(schema, place.path), inner), part

    def _compile(self, schema: Schema, place: _Place) -> Node:
        if self.call and place.is_root and not keywords.is_plain_object(schema):
            self._refuse(
                "type", "this model's calls take a plain `object`: no alternatives, no constants", "#"
            )
        unions = [each for each in ("anyOf", "oneOf") if each in schema]
        if unions:
            return self._union(schema, unions, place)
        if "enum" in schema or "const" in schema:
            return self._constants(schema, place)
        types = keywords.types_of(schema, self._refuser(place.path)) or tuple(
            name for name, bound in keywords.OF_TYPE.items() if bound & schema.keys()
        )
        if not types:
            return json_text.any_value(self.rules, self.dialect)
        types = tuple(each for each in types if each != "integer" or "number" not in types)
        return alt(*(self._typed(each, schema, place) for each in types))

    def _typed(self, name: str, schema: Schema, place: _Place) -> Node:
        refuse, stem = self._refuser(place.path), place.path.rpartition("/")[2]
        match name:
            case "object":
                return self._object(schema, place)
            case "array":
                return self._array(schema, place)
            case "string":
                return string_of(self.rules, stem, schema, refuse)
            case "number" | "integer":
                return number_of(self.rules, stem, schema, refuse, whole=name == "integer")
            case "boolean":
                return json_text.boolean(self.rules, self.dialect)
            case _:
                return Text(self.dialect.null)

    def _reference(self, pointer: Any, place: _Place) -> tuple[Node, int]:
        target = self._target(pointer, place.path)
        if pointer not in self._references:
            part = self._forks.new(f"{place.path}/$ref")
            ref = Ref(self.rules.name(pointer.rpartition("/")[2]))
            self._references[pointer] = ref, part
            inner = _Place(path=pointer, inside=part, depth=place.depth + 1)
            self.rules.nodes[ref.name], _ = self._visit(target, inner)
        ref, part = self._references[pointer]
        self._forks.holds(place.inside, part)
        return ref, part

    def _target(self, pointer: Any, path: str) -> Any:
        if not isinstance(pointer, str) or not (pointer == "#" or pointer.startswith("#/")):
            self._refuse("$ref", "does not point into the schema itself (`#/…`)", path)
        target: Any = self.root
        for step in pointer.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(target, Mapping) and step in target:
                target = target[step]
            elif (
                isinstance(target, list) and step.isascii() and step.isdigit() and int(step[:6]) < len(target)
            ):
                target = target[int(step[:6])]
            else:
                self._refuse("$ref", f"`{pointer[:80]}` points at nothing", path)
        return target

    def _resolve(self, schema: Any, path: str) -> Schema:
        """A schema with what `$ref` and `allOf` add, but for a single `$ref`'s own rule."""
        refuse = self._refuser(path)
        for _ in range(_MAX_REFERENCES):
            schema = keywords.check(schema, refuse)
            if "$ref" in schema:
                others = {key: value for key, value in schema.items() if key != "$ref"}
                target = self._resolve_part(self._target(schema["$ref"], path), path)
                schema = keywords.join(target, others, refuse)
            elif "allOf" in schema:
                parts = schema["allOf"]
                schema = {key: value for key, value in schema.items() if key != "allOf"}
                for each in parts:
                    schema = keywords.join(schema, self._resolve_part(each, path), refuse)
            else:
                return dict(schema)
        refuse("$ref", "goes in a circle, or through too many schemas")

    def _resolve_part(self, schema: Any, path: str) -> Schema:
        self._visits += 1  # many small joins are much work
        if self._visits > MAX_SCHEMAS:
            self._refuse("schema", f"consists of more than {MAX_SCHEMAS} schemas", path)
        self._joining += 1
        if self._joining > MAX_DEPTH:
            self._refuse("allOf", "goes in a circle, or through too many schemas", path)
        resolved = self._resolve(schema, path)
        self._joining -= 1
        return resolved

    def _union(self, schema: Schema, unions: list[str], place: _Place) -> Node:
        refuse, keyword = self._refuser(place.path), unions[0]
        if len(unions) > 1:
            refuse("oneOf", "cannot hold together with `anyOf`")
        options = schema[keyword]
        base = {key: value for key, value in binding(schema).items() if key != keyword}
        paths = [f"{place.path}/{keyword}/{at}" for at in range(len(options))]
        resolved = [
            keywords.join(base, self._resolve_part(option, path), refuse)
            for option, path in zip(options, paths, strict=True)
        ]
        if keyword == "oneOf":
            self._check_apart(resolved, refuse)
        found = []
        for option, whole, path in zip(options, resolved, paths, strict=True):
            inner = _Place(path=path, inside=place.inside, depth=place.depth + 1)
            node, part = self._visit(whole if base else option, inner)
            found.append(Option(part=part, node=node, first=self._first(whole, path)))
        self._forks.either(place.inside, found)
        return self.rules.add(keyword, alt(*(each.node for each in found)))

    def _check_apart(self, options: Sequence[Schema], refuse: keywords.Refuse) -> None:
        for at, left in enumerate(options):
            for further, right in enumerate(options[at + 1 :], at + 1):
                if not keywords.told_apart(left, right, refuse):
                    refuse("oneOf", f"alternatives {at} and {further} may hold together; `anyOf` allows that")

    def _first(self, schema: Schema, path: str) -> tuple[str, frozenset[str] | None] | None:
        """What an object of a schema begins with, where that is always the same property."""
        properties = schema.get("properties")
        if not properties:
            return None
        name = next(iter(properties))
        if name not in schema.get("required", ()):
            return None
        value = self._resolve_part(properties[name], path)
        known = value.get("enum", [value["const"]] if "const" in value else None)
        return name, frozenset(map(canonical, known)) if known is not None else None

    def _constants(self, schema: Schema, place: _Place) -> Node:
        refuse = self._refuser(place.path)
        for keyword in binding(schema):
            if keyword not in ("enum", "const", "type"):
                refuse(keyword, "cannot hold together with `enum` or `const`")
        values = schema.get("enum", [schema.get("const")])
        if "const" in schema and "enum" in schema:
            values = [each for each in values if canonical(each) == canonical(schema["const"])]
        self._enums += len(values)
        if self._enums > MAX_ENUM:
            refuse("enum", f"the schema has more than {MAX_ENUM} constants")
        types = keywords.types_of(schema, refuse) or keywords.TYPES
        fitting = [each for each in values if keywords.has_type(each, types)]
        if not fitting:
            refuse("enum" if "enum" in schema else "const", "has no value that fits")
        return constants_of(self.rules, place.path.rpartition("/")[2], fitting, self.dialect, refuse)

    def _array(self, schema: Schema, place: _Place) -> Node:
        refuse, stem = self._refuser(place.path), place.path.rpartition("/")[2]
        least = count(schema, "minItems", refuse) or 0
        most = count(schema, "maxItems", refuse)
        if schema.get("uniqueItems") and (most is None or most > 1):
            refuse("uniqueItems", "cannot be put into a grammar")
        if most is not None and most < least:
            refuse("maxItems", "is less than minItems")
        firsts = schema.get("prefixItems", [])
        items = [self._child(each, place, f"prefixItems/{at}") for at, each in enumerate(firsts)]
        if "prefixItems" in schema:
            closed = schema.get("items", False) is False or most == len(items)
            if closed and least > len(items):
                refuse("minItems", "is more than there are `prefixItems`")
            further = None if closed else self._child(schema["items"], place, "items")
            return json_text.tuple_of(self.rules, stem, items, further, least, most)
        if most == 0:
            return json_text.array(self.rules, stem, Text(""), 0, 0)
        item = self._child(schema.get("items", {}), place, "items")
        return json_text.array(self.rules, stem, item, least, most)

    def _child(self, schema: Any, place: _Place, step: str) -> Node:
        inner = _Place(path=f"{place.path}/{step}", inside=place.inside, depth=place.depth + 1)
        return self._visit(schema, inner)[0]

    def _object(self, schema: Schema, place: _Place) -> Node:
        refuse = self._refuser(place.path)
        properties, required = schema.get("properties", {}), set(schema.get("required", []))
        if self.strict and (schema.get("additionalProperties") is not False or set(properties) - required):
            refuse(
                "additionalProperties", "a strict schema says false here, and all properties are `required`"
            )
        extra = schema.get("additionalProperties", not properties)
        unnamed = schema.get("additionalProperties", True)
        if unnamed is False and required - properties.keys():
            refuse("required", "names a property that `additionalProperties` forbids")
        wanted = {**properties, **dict.fromkeys(sorted(required - properties.keys()), unnamed)}
        if len(wanted) > keywords.MAX_PROPERTIES:
            refuse("required", f"makes more than {keywords.MAX_PROPERTIES} properties")
        self._check_counts(schema, len(required), len(wanted), refuse, open_=extra is not False)
        call = self.call and place.is_root
        if call and (extra is not False or not all(map(_ARGUMENT.fullmatch, wanted))):
            refuse(
                "properties", "this model's calls take arguments that are named in the schema, by plain names"
            )
        if not wanted and extra is True:
            return json_text.any_object(self.rules, self.dialect)
        stem = place.path.rpartition("/")[2]
        listed = [
            Property(
                name=name,
                value=self._child(each, place, f"properties/{_escaped(name)}"),
                required=name in required,
            )
            for name, each in wanted.items()
        ]
        pair = None
        if extra is not False:
            value = self._child(extra, place, "additionalProperties")
            pair = json_text.extra_pair(self.rules, stem, list(wanted), value)
        return json_text.object_of(self.rules, stem, listed, pair, call=call)

    def _check_counts(
        self, schema: Schema, least: int, named: int, refuse: keywords.Refuse, *, open_: bool
    ) -> None:
        if (count(schema, "minProperties", refuse) or 0) > least:
            refuse("minProperties", "is more than are `required`, which cannot be put into a grammar")
        most = count(schema, "maxProperties", refuse, most=10**9)
        if most is not None and (open_ or most < named):
            refuse("maxProperties", "is less than an object may have, which cannot be put into a grammar")


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")[:64].encode("ascii", "replace").decode()


def compile_schema(schema: Any, *, param: str, strict: bool = False) -> str:
    """The grammar of JSON texts that satisfy a schema.

    Args:
        schema: a JSON schema, untrusted.
        param: the argument of the request that it is, for errors.
        strict: OpenAI's rules for strict schemas hold.

    Raises:
        InvalidRequestError: it cannot be compiled faithfully; names the keyword and its place.
    """
    if not isinstance(schema, Mapping):
        raise InvalidRequestError("a JSON schema is an object", param=param)
    rules = Rules()
    node = SchemaCompiler(rules=rules, root=schema, param=param, strict=strict).compile()
    return render(rules, node, param=param)


def render(rules: Rules, root: Node, *, param: str) -> str:
    """The text of a grammar.

    Raises:
        InvalidRequestError: it is too long.
    """
    text = rules.render(root)
    if len(text) > MAX_TEXT:
        raise InvalidRequestError(f"its grammar is longer than {MAX_TEXT} characters", param=param)
    return text


def any_json_object() -> str:
    """The grammar of all JSON objects."""
    rules = Rules()
    return rules.render(json_text.any_object(rules, JSON))
