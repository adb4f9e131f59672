"""What a field of arguments or of an answer is, in the words that command lines, tables and pages need. Pure.

A field is declared once, as pydantic has it; this reads the declaration.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from sigmavault.core.names import LISTED, MEANINGS
from sigmavault.core.operation.arguments import Detail, Positional, Unit

_UNIONS = (Union, types.UnionType)
_BOUNDS = (
    ("ge", "at least {}"), ("gt", "more than {}"), ("le", "at most {}"), ("lt", "less than {}"),
    ("min_length", "at least {} characters"), ("max_length", "at most {} characters"),
)  # fmt: skip
_COUNTS = {"min_length": "at least {}", "max_length": "at most {}"}


class Form(StrEnum):
    """What one value is."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "yes or no"
    CHOICE = "one of"
    TIME = "time (ISO 8601)"
    PAIRS = "names with texts"
    PART = "part"
    """A value with fields of its own."""
    ANY = "any JSON"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A field.

    Attributes:
        name: as it is declared.
        description: what it is.
        form: what one value of it is.
        unit: what a number counts; empty for nothing in particular.
        choices: the values that there are, where they are few.
        part: the model of its values, where they have fields of their own.
        is_many: a list of values.
        is_nullable: it may be null.
        is_required: it has no default.
        default: what holds when it is left out.
        is_positional: on a command line it stands by its place.
        is_detail: a table for people goes without it.
        least: how many values there must be, of a list.
        limits: what binds it, in words.
        listed: the noun that has a list of the names that it may be; empty for none.
        examples: values as JSON has them.
    """

    name: str
    description: str = ""
    form: Form = Form.TEXT
    unit: str = ""
    choices: tuple[str, ...] = ()
    part: type[BaseModel] | None = None
    is_many: bool = False
    is_nullable: bool = False
    is_required: bool = True
    default: Any = None
    is_positional: bool = False
    is_detail: bool = False
    least: int = 0
    limits: tuple[str, ...] = field(default=())
    listed: str = ""
    examples: tuple[Any, ...] = ()


def shapes(kind: type[BaseModel]) -> tuple[Shape, ...]:
    """The fields of a model, in order.

    Raises:
        TypeError: a field is of a kind that no surface could show.
    """
    if not kind.__pydantic_complete__:
        kind.model_rebuild()  # it names models that came after it
    return tuple(_shape(name, info) for name, info in kind.model_fields.items())


def _shape(name: str, info: FieldInfo) -> Shape:
    default = info.get_default(call_default_factory=True) if not info.is_required() else None
    begun = Shape(
        name=name, description=info.description or "", is_required=info.is_required(), default=default,
        examples=tuple(info.examples or ()),
    )  # fmt: skip
    return _bound(_typed(begun, info.annotation), info.metadata)


def _typed(shape: Shape, annotation: Any) -> Shape:
    origin, parts = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, TypeAliasType):
        return _typed(shape, annotation.__value__)
    if origin is Annotated:
        return _bound(_typed(shape, parts[0]), parts[1:])
    if origin in _UNIONS:
        return _union(shape, parts)
    if origin in (tuple, list, frozenset):
        return replace(_typed(shape, parts[0]), is_many=True)
    if origin is dict:
        return replace(shape, form=Form.PAIRS)
    if origin is Literal:
        return replace(shape, form=Form.CHOICE, choices=tuple(map(str, parts)))
    return _plain(shape, annotation)


def _union(shape: Shape, parts: tuple[Any, ...]) -> Shape:
    others = [part for part in parts if part is not type(None)]
    if len(others) != 1:
        return replace(shape, form=Form.ANY)
    return replace(_typed(shape, others[0]), is_nullable=True)


def _plain(shape: Shape, annotation: Any) -> Shape:
    if annotation in (Any, object):
        return replace(shape, form=Form.ANY)
    if not isinstance(annotation, type):
        raise TypeError(f"{shape.name} is of a kind that nothing can show: {annotation}")
    if issubclass(annotation, BaseModel):
        return replace(shape, form=Form.PART, part=annotation)
    if issubclass(annotation, Enum):
        return replace(shape, form=Form.CHOICE, choices=tuple(str(each.value) for each in annotation))
    if issubclass(annotation, datetime | AwareDatetime):
        return replace(shape, form=Form.TIME)
    forms = {bool: Form.FLAG, int: Form.WHOLE, float: Form.NUMBER, str: Form.TEXT}
    if annotation not in forms:
        raise TypeError(f"{shape.name} is of a kind that nothing can show: {annotation}")
    return replace(shape, form=forms[annotation])


def _bound(shape: Shape, metadata: Any) -> Shape:
    """With what the metadata say; those of a list bind how many, those of its values stand inside."""
    for item in _flat(metadata):
        if isinstance(item, Positional):
            shape = replace(shape, is_positional=True)
        elif isinstance(item, Detail):
            shape = replace(shape, is_detail=True)
        elif isinstance(item, Unit):
            shape = replace(shape, unit=item.name)
        else:
            shape = _limited(shape, item)
    return shape


def _limited(shape: Shape, item: Any) -> Shape:
    if pattern := getattr(item, "pattern", None):
        limit, listed = MEANINGS.get(pattern, f"`{pattern}`"), LISTED.get(pattern, "")
        listed = "group" if listed == "user" and "group" in shape.name else listed
        return replace(shape, limits=(*shape.limits, limit), listed=listed)
    if shape.is_many:
        shape = replace(shape, least=getattr(item, "min_length", shape.least) or 0)
    for name, words in _BOUNDS:
        if (value := getattr(item, name, None)) is not None and value != 2**63 - 1:
            words = _COUNTS.get(name, words) if shape.is_many else words
            shape = replace(shape, limits=(*shape.limits, words.format(value)))
    return shape


def _flat(metadata: Any) -> Iterator[Any]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _flat(item.metadata)
        else:
            yield item
