"""What pydantic found wrong with a file, as one `ConfigError` in our words: where, and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from sigmavault.core.errors import ConfigError


class Checked(BaseModel):
    """A part of a checked file: unknown keys and wrong types are errors, values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


_WORDS: Mapping[str, str] = {
    "extra_forbidden": "is not a known key",
    "missing": "is missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length}",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "union_tag_invalid": "kind must be {expected_tags}",
    "union_tag_not_found": "kind is missing",
}


def refusal(error: ValidationError, data: object, origin: str, patterns: Mapping[str, str]) -> ConfigError:
    """The first thing that is wrong.

    Args:
        error: what pydantic raised.
        data: what was checked.
        origin: name of the file.
        patterns: what each regular expression asks for, in words.
    """
    found = error.errors(include_url=False, include_input=False)
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    place = origin + _place(first["loc"], data)
    return ConfigError(f"{place}: {meaning(first, patterns)}{more}")


def meaning(detail: ErrorDetails, patterns: Mapping[str, str]) -> str:
    """One thing that is wrong, in words; `patterns` says what each regular expression asks for."""
    context = detail.get("ctx", {})
    if detail["type"] == "string_pattern_mismatch":
        return f"must be {patterns.get(context['pattern'], context['pattern'])}"
    if detail["type"] == "value_error":  # raised by a check of ours, in our words
        return str(context.get("error", detail["msg"]))
    words = _WORDS.get(detail["type"])
    return words.format(**context) if words else detail["msg"]


def _place(steps: Sequence[int | str], data: object) -> str:
    """`.models[3].source.url`, without the names of union members that pydantic puts between."""
    text = ""
    for at, step in enumerate(steps):
        if isinstance(step, int):
            text += f"[{step}]"
        elif isinstance(data, Mapping) and (step in data or at == len(steps) - 1):
            text += f".{step}"
        else:
            continue
        data = _inside(data, step)
    return text


def _inside(data: object, step: int | str) -> object:
    if isinstance(data, Mapping):
        return data.get(step)
    if isinstance(data, Sequence) and isinstance(step, int) and step < len(data):
        return data[step]
    return None
