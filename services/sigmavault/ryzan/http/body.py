"""What the bodies of several routes have in common.

Every parameter of OpenAI's is in a body. Those that cannot be honoured accept only the value that asks for
nothing; anything else is refused, never ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Annotated, Any, Literal, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException

from sigmavault.core.wish import AnswerCaching

LIMIT_BYTES = 4 * 1024 * 1024
CHOICES_LIMIT = 8

_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def refuse(param: str, message: str) -> NoReturn:
    """Refuse a body for what no single field of it shows.

    Args:
        param: place in the body, as in `messages.0.content`.
        message: one sentence; may hold what the caller sent.

    Raises:
        PydanticCustomError: always.
    """
    raise PydanticCustomError("refused", "{message}", {"param": param, "message": message})


class BadBodyError(HTTPException):
    """The body is JSON, but not what JSON is for.

    Attributes:
        param: where.
    """

    def __init__(self, param: str, message: str) -> None:
        super().__init__(400, message)
        self.param = param


class _StrictRequest(Request):
    """Takes JSON as the standard has it: no NaN, no text that has no UTF-8."""

    async def json(self) -> Any:
        """The body; what is no JSON raises as `json.loads` does."""
        raw = await self.body()
        content = json.loads(raw, parse_constant=_refuse_constant)
        if _LONE_SURROGATE.search(raw):
            for place, text in _texts(content, ""):
                _check_unicode(place, text)
        return content


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is not JSON", name, 0)


def _texts(content: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text of a JSON value, keys too, and where it is."""
    if isinstance(content, str):
        yield place, content
    elif isinstance(content, list):
        for at, each in enumerate(content):
            yield from _texts(each, f"{place}.{at}" if place else str(at))
    elif isinstance(content, dict):
        for key, each in content.items():
            yield place, key
            yield from _texts(each, f"{place}.{key}" if place else key)


def _check_unicode(place: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        told = place.encode("ascii", "backslashreplace").decode()
        raise BadBodyError(told, f"{told}: half a surrogate pair is not text") from None


class Route(APIRoute):
    """A route whose body is read strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler with our request."""
        handle: Callable[[Request], Awaitable[Response]] = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strictly


class Strict(BaseModel):
    """No conversion, no unknown key."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class StreamOptions(Strict):
    """Options of a streamed answer."""

    include_usage: bool = False
    include_obfuscation: Literal[False] = False


class CacheOptions(Strict):
    """What the answer cache may do for this request."""

    enabled: bool = True
    facts: Annotated[str, Field(max_length=256)] = ""
    similarity: Annotated[float, Field(gt=0, le=1)] | None = None


class Extension(Strict):
    """What goes beyond OpenAI's parameters."""

    cache: CacheOptions = CacheOptions()


def _read_bias(value: Any) -> Any:
    if not isinstance(value, dict):
        raise PydanticCustomError("logit_bias", "must map token numbers to biases")
    read = []
    for token, bias in value.items():
        if not (isinstance(token, str) and token.isascii() and token.isdigit() and len(token) < 10):
            raise PydanticCustomError("logit_bias", "a key must be the number of a token")
        if isinstance(bias, bool) or not isinstance(bias, int | float) or not -100 <= bias <= 100:
            raise PydanticCustomError("logit_bias", "a bias must be a number from -100 to 100")
        read.append((int(token), float(bias)))
    return tuple(read)


def as_whole(value: Any) -> Any:
    """To JSON, 4.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(as_whole)
TOKENS_LIMIT = 2**31 - 1
"""More tokens than any context has."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_STOP = {"type": "string", "minLength": 1, "maxLength": 256}
_STOP_SCHEMA = {"anyOf": [_STOP, {"type": "array", "items": _STOP, "maxItems": 4}]}
_BIAS_SCHEMA = {
    "type": "object",
    "maxProperties": 300,
    "propertyNames": {"pattern": "^[0-9]{1,9}$"},
    "additionalProperties": {"type": "number", "minimum": -100, "maximum": 100},
}
_Penalty = Annotated[float, Field(ge=-2, le=2)]


class Sampled(Strict):
    """Parameters of everything that generates."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=1_000_000), WHOLE] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63), WHOLE] | None = None
    frequency_penalty: _Penalty | None = None
    presence_penalty: _Penalty | None = None
    repeat_penalty: Annotated[float, Field(gt=0, le=10)] | None = None
    logit_bias: (
        Annotated[
            tuple[tuple[int, float], ...],
            Field(max_length=300),
            BeforeValidator(_read_bias),
            WithJsonSchema(_BIAS_SCHEMA),
        ]
        | None
    ) = None
    stop: (
        Annotated[
            list[Annotated[str, Field(min_length=1, max_length=256)]],
            Field(max_length=4),
            BeforeValidator(_as_list),
            WithJsonSchema(_STOP_SCHEMA),
        ]
        | None
    ) = None
    n: Annotated[int, Field(ge=1, le=CHOICES_LIMIT), WHOLE] | None = None
    grammar: Annotated[str, Field(min_length=1, max_length=65536)] | None = None
    prompt_cache_key: Annotated[str, Field(max_length=256)] | None = None
    sigmavault: Extension | None = None
    user: str | None = None
    """Tells the provider about the caller; there is nothing to do for it."""

    def common(self) -> dict[str, Any]:
        """The fields of a `Wish` that all routes share."""
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "seed": self.seed,
            "frequency_penalty": self.frequency_penalty or 0.0,
            "presence_penalty": self.presence_penalty or 0.0,
            "repeat_penalty": 1.0 if self.repeat_penalty is None else self.repeat_penalty,
            "logit_bias": self.logit_bias or (),
            "stop": tuple(self.stop or ()),
            "choices": self.n or 1,
            "grammar": self.grammar or "",
            "cache_key": self.prompt_cache_key or "",
            "caching": self._caching(),
        }

    def _caching(self) -> AnswerCaching:
        asked = (self.sigmavault or Extension()).cache
        return AnswerCaching(enabled=asked.enabled, facts=asked.facts, similarity=asked.similarity)

    @property
    def wants_usage(self) -> bool:
        """Whether a streamed answer ends with a chunk of token counts."""
        return self.stream_options is not None and self.stream_options.include_usage
