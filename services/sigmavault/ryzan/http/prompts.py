"""Text or token numbers, one or several: what legacy completions and embeddings take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import PydanticCustomError

from sigmavault.core.chat import Text, Tokens
from sigmavault.ryzan.http.body import as_whole

_TOKEN_LIMIT = 2**31


def schema(*, most: int, least_length: int) -> dict[str, Any]:
    """The JSON schema of what `reader` takes."""
    text = {"type": "string", "minLength": least_length}
    tokens = {
        "type": "array",
        "items": {"type": "integer", "minimum": 0, "exclusiveMaximum": _TOKEN_LIMIT},
        "minItems": 1,
    }
    several = [{"type": "array", "items": each, "minItems": 1, "maxItems": most} for each in (text, tokens)]
    return {"anyOf": [text, tokens, *several]}


def reader(*, most: int, allow_empty: bool) -> Callable[[Any], tuple[Text | Tokens, ...]]:
    """A validator that makes prompts of a string, tokens, or a list of either.

    Args:
        most: of the prompts.
        allow_empty: whether an empty text is one.
    """

    def one(value: Any) -> Text | Tokens:
        if isinstance(value, str):
            if not value and not allow_empty:
                raise PydanticCustomError("prompt", "must not be empty")
            return Text(text=value)
        if not isinstance(value, list) or not value:
            raise PydanticCustomError("prompt", "must be text, token numbers, or a list of either")
        tokens = tuple(as_whole(each) for each in value)
        if not all(type(each) is int and 0 <= each < _TOKEN_LIMIT for each in tokens):
            raise PydanticCustomError("prompt", "must be text, token numbers, or a list of either")
        return Tokens(tokens=tokens)

    def read(value: Any) -> tuple[Text | Tokens, ...]:
        if isinstance(value, list) and value and isinstance(value[0], str | list):
            if len(value) > most:
                raise PydanticCustomError("prompt", "must be at most {most}", {"most": most})
            if len({type(each) for each in value}) > 1:
                raise PydanticCustomError("prompt", "must be all text or all token numbers")
            return tuple(one(each) for each in value)
        return (one(value),)

    return read
