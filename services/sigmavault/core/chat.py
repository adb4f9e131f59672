"""What is asked of a model and what comes back, independent of HTTP and D-Bus."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Who says a message. `developer` is the newer name of `system` and is turned into it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Finish(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    """The model was done, or a stop text came."""
    LENGTH = "length"
    """The limit of the request or of the context was reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are chosen.

    Attributes:
        temperature: 0 takes the likeliest token always.
        top_p: share of the probability mass that is considered; 1 is all.
        top_k: how many candidates are considered; 0 is all.
        min_p: drop candidates less likely than this share of the likeliest; 0 is none.
        seed: of the random numbers, 32 bits.
    """

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One question to a model.

    Attributes:
        messages: the conversation so far, at least one.
        sampling: how tokens are chosen.
        max_tokens: most tokens of the answer; None: as many as fit into the context.
        stop: texts at which the answer ends; they are not part of it.
    """

    messages: tuple[Message, ...]
    sampling: Sampling
    max_tokens: int | None
    stop: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The prompt was accepted."""

    prompt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The next part of the answer; never empty, always whole characters."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The answer is complete."""

    finish: Finish
    completion_tokens: int


Event = Started | Piece | Finished
