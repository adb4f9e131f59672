"""What a model process is asked and what it answers, independent of HTTP, D-Bus and of how it is carried.

One `GenerateRequest` is one sequence of one model. What callers ask (tools, formats, several choices) is a
`core.wish.Wish`; the service turns it into these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """Who says a message. `developer` is the newer name of `system` and is turned into it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    """The result of a tool call."""


class Finish(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    """The model was done, or a stop text came."""
    LENGTH = "length"
    """The limit of the request or of the context was reached."""
    TOOL_CALLS = "tool_calls"
    """The model calls tools and waits for their results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call that a model asks for.

    Attributes:
        id: of the call; its result names it.
        name: of the tool.
        arguments: JSON text of an object.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Something a model may ask to be called.

    Attributes:
        name: letters, digits, `_` and `-`, at most 64.
        description: for the model.
        parameters: JSON schema of the arguments.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: who says it.
        content: the text.
        tool_calls: of an assistant's turn.
        tool_call_id: of a tool's turn: which call this is the result of.
    """

    role: Role
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A prompt made by the model's chat template.

    Attributes:
        messages: at least one.
        tools: given to the template, for a model whose template knows tools.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A prompt as it is, without template; control tokens in it are read as text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """A prompt as token numbers."""

    tokens: tuple[int, ...]


type Prompt = Conversation | Text | Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are chosen.

    Attributes:
        temperature: 0 takes the likeliest token always.
        top_p: share of the probability mass that is considered; 1 is all.
        top_k: how many candidates are considered; 0 is all.
        min_p: drop candidates less likely than this share of the likeliest; 0 is none.
        seed: of the random numbers, 32 bits.
        frequency_penalty: taken off a token's logit for each time it is in the answer.
        presence_penalty: taken off a token's logit once it is in the answer.
        repeat_penalty: divides the logit of tokens that were there; 1 is none.
        logit_bias: added to the logits of these tokens.
    """

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    seed: int
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repeat_penalty: float = 1.0
    logit_bias: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """What form an answer must have.

    Attributes:
        gbnf: the grammar, in llama.cpp's notation, with a rule `root`.
        triggers: texts at which it begins to hold; none: from the first token on.
    """

    gbnf: str
    triggers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """What may be shared with other requests.

    Attributes:
        space: whose request it is; states of a prompt are shared within one space only.
        key: name under which the prompt's state is kept across restarts; empty: not kept. States kept by
            name are found by everybody who gives that name.
        enabled: false computes everything anew.
    """

    space: str = ""
    key: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateRequest:
    """One sequence.

    Attributes:
        prompt: what it begins with.
        sampling: how tokens are chosen.
        max_tokens: most tokens of the answer; None: as many as fit into the context.
        stop: texts at which the answer ends; they are not part of it.
        grammar: what form the answer must have.
        top_logprobs: how many likeliest tokens are told with each token, 0 to 20; None: no log
            probabilities at all.
        reuse: what may be shared with other requests.
    """

    prompt: Prompt
    sampling: Sampling
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    grammar: Grammar | None = None
    top_logprobs: int | None = None
    reuse: Reuse = Reuse()


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The prompt was accepted.

    Attributes:
        prompt_tokens: its length.
        cached_tokens: how many of them need not be computed.
    """

    prompt_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """A token and its log probability (natural logarithm, before sampling).

    Attributes:
        token: its bytes; possibly part of a character.
        logprob: of it.
    """

    token: bytes
    logprob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """Log probabilities at one place of an answer.

    Attributes:
        chosen: the token that was taken.
        top: the likeliest ones, likeliest first.
    """

    chosen: Likelihood
    top: tuple[Likelihood, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The next part of the answer: whole characters. Empty only when it carries log probabilities."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The answer is complete."""

    finish: Finish
    completion_tokens: int


Event = Started | Piece | Finished


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedRequest:
    """Texts whose meaning is asked for as vectors.

    Attributes:
        inputs: texts or token numbers, at least one.
    """

    inputs: tuple[Text | Tokens, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """The vectors, of length 1 (L2), in the order of the inputs.

    Attributes:
        vectors: one for each input.
        prompt_tokens: of all inputs together.
    """

    vectors: tuple[tuple[float, ...], ...]
    prompt_tokens: int
