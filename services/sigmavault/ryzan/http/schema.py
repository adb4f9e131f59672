"""What `POST /v1/chat/completions` accepts.

Every parameter of OpenAI's is here. Those that are not honoured yet accept only the value that asks for
nothing; anything else is refused, never ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from sigmavault.core.chat import Message, Role
from sigmavault.core.wish import Wish

_PART_KEYS = {"type", "text"}


def _join_parts(value: Any) -> Any:
    """Content may come as a list of text parts: that is the same as their text in one piece."""
    if not isinstance(value, list):
        return value
    texts = []
    for part in value:
        if not isinstance(part, dict) or part.get("type") != "text" or set(part) != _PART_KEYS:
            raise PydanticCustomError("content_part", "only content parts of type text are supported")
        if not isinstance(part["text"], str):
            raise PydanticCustomError("content_part", "the text of a content part must be a string")
        texts.append(part["text"])
    return "".join(texts)


def _check_unicode(text: str) -> str:
    """JSON can spell half of a surrogate pair; that is no text and has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("text", "half a surrogate pair is not text") from None
    return text


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class ChatMessage(_Strict):
    """One message of the conversation; answers of this API are accepted as they were given out."""

    role: Literal["developer", "system", "user", "assistant"]
    content: Annotated[str, BeforeValidator(_join_parts), AfterValidator(_check_unicode)]
    refusal: None = None
    annotations: Annotated[list[Any], Field(max_length=0)] | None = None
    audio: None = None
    function_call: None = None
    tool_calls: Annotated[list[Any], Field(max_length=0)] | None = None

    def message(self) -> Message:
        """The message in the service's words."""
        return Message(
            role=Role.SYSTEM if self.role == "developer" else Role(self.role), content=self.content
        )


class StreamOptions(_Strict):
    """Options of a streamed answer."""

    include_usage: bool = False
    include_obfuscation: Literal[False] = False


class TextFormat(_Strict):
    """The only `response_format` so far: no format."""

    type: Literal["text"]


_Zero = Annotated[float, Field(ge=0, le=0)]
_Nothing = Annotated[dict[str, Any], Field(max_length=0)]
_NoItems = Annotated[list[Any], Field(max_length=0)]
_Stop = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_check_unicode)]


class Unsupported(_Strict):
    """Parameters that are not honoured yet: only the values that ask for nothing are accepted."""

    audio: None = None
    frequency_penalty: _Zero | None = None
    function_call: Literal["none"] | None = None
    functions: _NoItems | None = None
    logit_bias: _Nothing | None = None
    logprobs: Literal[False] | None = None
    modalities: list[Literal["text"]] | None = None
    n: Literal[1] | None = None
    parallel_tool_calls: bool | None = None
    prediction: None = None
    presence_penalty: _Zero | None = None
    reasoning_effort: None = None
    response_format: TextFormat | None = None
    service_tier: Literal["auto", "default"] | None = None
    store: Literal[False] | None = None
    tool_choice: Literal["none", "auto"] | None = None
    tools: _NoItems | None = None
    top_logprobs: Literal[0] | None = None
    verbosity: None = None
    web_search_options: None = None


UNSUPPORTED = frozenset(Unsupported.model_fields)


class ChatBody(Unsupported):
    """The body of a chat request."""

    model: str
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=4096)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: Annotated[list[_Stop], Field(max_length=4), BeforeValidator(_as_list)] | None = None
    # These tell the provider about the caller; there is nothing to do for them.
    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    user: str | None = None

    def wish(self) -> Wish:
        """The request in the service's words."""
        return Wish(
            prompt=tuple(each.message() for each in self.messages),
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            seed=self.seed,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            stop=tuple(self.stop or ()),
        )

    @property
    def wants_usage(self) -> bool:
        """Whether a streamed answer ends with a chunk of token counts."""
        return self.stream_options is not None and self.stream_options.include_usage
