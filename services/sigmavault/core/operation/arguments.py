"""Arguments of operations: pydantic models, read from JSON that nobody has looked at yet.

A field says everything the surfaces need: `description`, `examples`, limits; `Positional()` puts it in
order on the command line, `Unit(...)` says what a number counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sigmavault.core.checking import meaning
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.names import MEANINGS

LONGEST_TEXT: Final = 256 * 1024
"""Bytes of JSON that a caller may send."""


@dataclass(frozen=True, slots=True)
class Positional:
    """On the command line the argument stands by its place, in the order of the fields."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts, in the words of `values.py`: `bytes`, `seconds`, `percent`, `celsius`."""

    name: str


@dataclass(frozen=True, slots=True)
class Detail:
    """In a table for people the field has no column of its own; it is there when it is asked for by name."""


Bytes = Annotated[int, Unit("bytes"), Field(ge=0, le=2**63 - 1)]
"""A size. People may write `500G` or `2TiB` on the command line."""


class Arguments(BaseModel):
    """What an operation is asked with: unknown keys, wrong types and odd numbers are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class NoArguments(Arguments):
    """Nothing is asked."""


def parse[A: Arguments](kind: type[A], text: str) -> A:
    """Arguments out of JSON.

    Raises:
        InvalidRequestError: it names the argument, what was wrong and what is allowed.
    """
    if len(text) > LONGEST_TEXT:
        raise InvalidRequestError(f"the arguments are longer than {LONGEST_TEXT // 1024} KiB")
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise refusal(kind, error) from error
    except RecursionError as error:
        raise InvalidRequestError("the arguments are nested too deep") from error


def _short(step: int | str) -> int | str:
    return step[:60] if isinstance(step, str) else step  # an unknown key may be as long as the text


def refusal(kind: type[Arguments], error: ValidationError) -> InvalidRequestError:
    """The first thing that is wrong with the arguments, and what would be right."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = [_short(step) for step in first["loc"] if step == 0 or step]
    name = str(place[0]) if place else ""
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    field = kind.model_fields.get(name)
    asked = f" ({field.description})" if field is not None and field.description else ""
    return InvalidRequestError(f"{where or 'the arguments'}: {meaning(first, MEANINGS)}{asked}", param=name)
