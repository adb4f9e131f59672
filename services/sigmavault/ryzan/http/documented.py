"""What the answers look like, for the OpenAPI document. A test holds real answers to it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Answered(BaseModel):
    """Nothing beyond what is documented."""

    model_config = ConfigDict(extra="forbid")


class Fault(Answered):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class Error(Answered):
    """A failure, in OpenAI's shape."""

    error: Fault


class PromptDetails(Answered):
    """Of the prompt's tokens."""

    cached_tokens: Annotated[int, Field(ge=0, description="Not computed again.")]


class Usage(Answered):
    """Token counts."""

    prompt_tokens: Annotated[int, Field(ge=0)]
    completion_tokens: Annotated[int, Field(ge=0, description="Of all choices.")]
    total_tokens: Annotated[int, Field(ge=0)]
    prompt_tokens_details: PromptDetails


class TopLogprob(Answered):
    """A token that might have been."""

    token: str
    logprob: float
    bytes: list[int]


class TokenLogprobs(TopLogprob):
    """The token that was taken."""

    top_logprobs: list[TopLogprob]


class ChoiceLogprobs(Answered):
    """Log probabilities of a choice."""

    content: list[TokenLogprobs]
    refusal: None


class Called(Answered):
    """What is to be called."""

    name: str
    arguments: Annotated[str, Field(description="JSON text of an object.")]


class Call(Answered):
    """A tool call."""

    id: str
    type: Literal["function"]
    function: Called


class AnswerMessage(Answered):
    """What the model said."""

    role: Literal["assistant"]
    content: str | None
    refusal: None
    tool_calls: Annotated[list[Call], Field(min_length=1)] | None = None


type _Finish = Literal["stop", "length", "tool_calls"]


class ChatChoice(Answered):
    """One of the answers."""

    index: int
    message: AnswerMessage
    logprobs: ChoiceLogprobs | None
    finish_reason: _Finish


class ChatCompletion(Answered):
    """An answer."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: Annotated[list[ChatChoice], Field(min_length=1)]
    usage: Usage


class CalledDelta(Answered):
    """More of what is to be called."""

    name: str | None = None
    arguments: str


class CallDelta(Answered):
    """More of a tool call; id, type and name in its first part only."""

    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: CalledDelta


class ChatDelta(Answered):
    """What is new."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    refusal: None = None
    tool_calls: list[CallDelta] | None = None


class ChunkChoice(Answered):
    """What is new in one of the answers."""

    index: int
    delta: ChatDelta
    logprobs: ChoiceLogprobs | None
    finish_reason: _Finish | None


class ChatCompletionChunk(Answered):
    """One event of a streamed answer."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None


class LegacyLogprobs(Answered):
    """Log probabilities of a legacy completion."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class TextChoice(Answered):
    """One of the completions, or what is new in it."""

    index: int
    text: str
    logprobs: LegacyLogprobs | None
    finish_reason: Literal["stop", "length"] | None


class Completion(Answered):
    """A legacy completion, or one event of a streamed one."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[TextChoice]
    usage: Usage | None = None


class EmbeddingUsage(Answered):
    """Token counts."""

    prompt_tokens: int
    total_tokens: int


class Embedding(Answered):
    """One vector: numbers, or float32 little-endian in base64."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class Embeddings(Answered):
    """The vectors, in the order of the inputs."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class ModelExtension(Answered):
    """What goes beyond OpenAI's fields."""

    name: str
    purpose: list[str]
    context_tokens: Annotated[int, Field(description="Longest prompt plus answer.")]
    trained_context_tokens: Annotated[int, Field(description="What the model was made for.")]
    backend: str
    state: str | None
    loaded: bool
    default: Annotated[bool, Field(description="Whether it answers requests without a model.")]


class ModelObject(Answered):
    """A model that can be asked."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    sigmavault: ModelExtension


class ModelList(Answered):
    """The models that can be asked."""

    object: Literal["list"]
    data: list[ModelObject]


class Health(Answered):
    """How the service is doing."""

    status: str
    model: str
    reason: str


type Responses = dict[int | str, dict[str, Any]]

_WAIT = {"Retry-After": {"description": "When to try again, in seconds.", "schema": {"type": "string"}}}


def _failures(**told: str) -> Responses:
    """Documented failures, all in OpenAI's shape."""
    found: Responses = {
        "401": {"model": Error, "description": "An API key is needed, over TCP."},
        "403": {
            "model": Error,
            "description": "The Host or the Origin is not this machine, or it is root's alone.",
        },
        "500": {"model": Error, "description": "The service failed."},
    }
    for status, description in told.items():
        found[status.removeprefix("_")] = {"model": Error, "description": description}
    if "429" in found:
        found["429"]["headers"] = _WAIT
    return dict(sorted(found.items(), key=lambda each: str(each[0])))


_ASKING = _failures(
    _400="The request cannot be; `param` tells what is wrong with it.",
    _404="No such model, or one whose file is refused.",
    _413="The body is too large.",
    _415="The body is not JSON.",
    _429="Too many requests wait.",
    _503="The model cannot answer now.",
)
_READING = _failures()


def _streamed(name: str, description: str, whole: type[BaseModel]) -> dict[str, Any]:
    # Without a type: some readers take the schema for that of the whole body, others for that of an event.
    text = {
        "description": f"Server-sent events: each `data:` is a {name}, the last one `[DONE]`. A failure in"
        " the middle is an event of type `error` whose data is an Error.",
    }
    return {"model": whole, "description": description, "content": {"text/event-stream": {"schema": text}}}


CHAT: Responses = {
    200: _streamed("ChatCompletionChunk", "The answer, whole or streamed.", ChatCompletion),
    **_ASKING,
}
COMPLETIONS: Responses = {
    200: _streamed("Completion", "The completions, whole or streamed.", Completion),
    **_ASKING,
}
EMBEDDINGS: Responses = {200: {"model": Embeddings, "description": "The vectors."}, **_ASKING}
MODELS: Responses = {200: {"model": ModelList, "description": "The models."}, **_READING}
MODEL: Responses = {
    200: {"model": ModelObject, "description": "The model."},
    **_failures(_404="No such model, or one whose file is refused."),
}
HEALTH: Responses = {
    200: {"model": Health, "description": "It answers."},
    "403": _READING["403"],
    "500": _READING["500"],
    "503": {"model": Health, "description": "It does not; `reason` tells why.", "headers": _WAIT},
}
METRICS: Responses = {
    200: {
        "description": "The figures.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    },
    **_READING,
}
