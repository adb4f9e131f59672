"""What callers ask the model service and what it answers, whichever way they come and whoever answers.

HTTP and D-Bus make a `Wish`; a backend (local model processes, or another server) answers it with
`AnswerEvent`s. Tools, formats and choices exist at this level; below it there are only sequences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from sigmavault.core.chat import Finish, Message, Text, TokenLogprob, Tokens, Tool


class ToolMode(StrEnum):
    """Whether tools are called."""

    AUTO = "auto"
    REQUIRED = "required"
    NONE = "none"
    NAMED = "named"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolChoice:
    """Whether tools are called.

    Attributes:
        mode: the rule.
        name: of the tool that must be called, when the mode is `named`.
    """

    mode: ToolMode = ToolMode.AUTO
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonFormat:
    """The answer must be JSON.

    Attributes:
        schema: that it must satisfy; None: any object.
        name: of the schema.
        strict: OpenAI's rules for strict schemas hold. The answer satisfies the schema either way.
    """

    schema: Mapping[str, Any] | None = None
    name: str = ""
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks.

    Attributes:
        space: names the person (or key) whose requests may share prompt states and cached answers:
            `uid:1000`, `key:<hash>`, `local` for TCP without a key.
    """

    space: str = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCaching:
    """How the answer cache may serve this request.

    Attributes:
        enabled: whether it may.
        facts: fingerprint of the facts that the answer rests on; answers to other facts do not count.
        similarity: least cosine similarity of another question whose answer will do; None: only the same
            question.
    """

    enabled: bool = True
    facts: str = ""
    similarity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A request as a caller words it; what is None is decided by the model's defaults.

    Attributes:
        prompt: a conversation, or a text or tokens to be continued as they are.
        tools: that may be called; only with a conversation.
        tool_choice: whether they are.
        parallel_tool_calls: whether one answer may call several.
        response_format: None is free text.
        grammar: GBNF that the answer must satisfy; not together with tools or a format.
        top_logprobs: 0 to 20; None: no log probabilities.
        choices: how many answers.
        cache_key: name under which the prompt's state is kept (OpenAI's `prompt_cache_key`).
        caching: what the answer cache may do.
        caller: who asks.
    """

    prompt: tuple[Message, ...] | Text | Tokens
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repeat_penalty: float = 1.0
    logit_bias: tuple[tuple[int, float], ...] = ()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    parallel_tool_calls: bool = True
    response_format: JsonFormat | None = None
    grammar: str = ""
    top_logprobs: int | None = None
    choices: int = 1
    cache_key: str = ""
    caching: AnswerCaching = AnswerCaching()
    caller: Caller = Caller()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerStarted:
    """The request was accepted: it will be answered, or fail in the middle.

    May come again before the choices finish, with counts that another server tells only at the end: the last
    one holds.

    Attributes:
        prompt_tokens: of the prompt, once, however many choices there are.
        cached_tokens: how many of them were not computed again.
    """

    prompt_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentDelta:
    """More text of one choice."""

    index: int
    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDelta:
    """More of a tool call of one choice.

    Attributes:
        index: of the choice.
        call: number of the call within the choice.
        id: of the call; only in its first delta.
        name: of the tool; only in its first delta.
        arguments: the next part of the JSON text.
    """

    index: int
    call: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceFinished:
    """One choice is complete."""

    index: int
    finish: Finish
    completion_tokens: int


type AnswerEvent = AnswerStarted | ContentDelta | CallDelta | ChoiceFinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who answers, and why.

    Attributes:
        model: id of the model.
        backend: `local` or the name of a remote backend.
        reason: in words; for the response headers and the log. Never contains any of the request's text.
    """

    model: str
    backend: str = "local"
    reason: str = ""


class Answer(Protocol):
    """An answer under way: first `AnswerStarted`, once for each choice `ChoiceFinished`."""

    @property
    def route(self) -> Route:
        """Who answers, and why."""

    async def next(self) -> AnswerEvent | None:
        """Wait for what happens next; None when all choices are complete.

        Raises:
            SigmaVaultError: the request failed.
        """

    def cancel(self) -> None:
        """Nobody waits any more: the work ends within one step. Harmless when it is complete."""
