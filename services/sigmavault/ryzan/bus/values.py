"""What crosses the bus, to and from the service's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sigmavault.contract.ryzan1 import ChatOption, ModelKey, StatusKey
from sigmavault.core.chat import Message, Role
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.wish import Caller, Wish
from sigmavault.ryzan.service import ModelStatus, Status

type Variants = dict[str, tuple[str, Any]]

STATUS_TYPES: Mapping[StatusKey, str] = {
    StatusKey.MODEL: "s",
    StatusKey.STATE: "s",
    StatusKey.REASON: "s",
    StatusKey.VERSION: "s",
    StatusKey.MEMORY_BYTES: "t",
    StatusKey.TOKENS_PER_SECOND: "d",
    StatusKey.TIER: "s",
    StatusKey.THREADS: "u",
    StatusKey.THREADS_REASON: "s",
    StatusKey.QUOTA_CPUS: "d",
    StatusKey.CONTEXT_TOKENS: "u",
    StatusKey.ACTIVE_REQUESTS: "u",
    StatusKey.ANSWERS_KEPT: "t",
    StatusKey.ANSWERS_BYTES: "t",
    StatusKey.ANSWERS_OFF: "s",
}

MODEL_TYPES: Mapping[ModelKey, str] = {
    ModelKey.ID: "s",
    ModelKey.BACKEND: "s",
    ModelKey.STATE: "s",
    ModelKey.REASON: "s",
    ModelKey.MEMORY_BYTES: "t",
    ModelKey.TOKENS_PER_SECOND: "d",
    ModelKey.THREADS: "u",
    ModelKey.THREADS_REASON: "s",
    ModelKey.CONTEXT_TOKENS: "u",
    ModelKey.ACTIVE_REQUESTS: "u",
    ModelKey.SPECULATION: "s",
}

_ROLES = {"developer": Role.SYSTEM, **{role.value: role for role in Role if role is not Role.TOOL}}


def status_variants(status: Status) -> Variants:
    """A status as `a{sv}`."""
    return {key.value: (kind, getattr(status, key.value)) for key, kind in STATUS_TYPES.items()}


def model_variants(model: ModelStatus) -> Variants:
    """How one model is doing, as `a{sv}`."""
    return {key.value: (kind, getattr(model, key.value)) for key, kind in MODEL_TYPES.items()}


def parse_messages(pairs: list[tuple[str, str]]) -> tuple[Message, ...]:
    """The conversation out of `a(ss)`.

    Raises:
        InvalidRequestError: it is empty or a role is unknown.
    """
    if not pairs:
        raise InvalidRequestError("there is no message", param="messages")
    if unknown := {role for role, _ in pairs} - set(_ROLES):
        raise InvalidRequestError(
            f"unknown role {sorted(unknown)[0]!r}: {', '.join(_ROLES)} are known", param="messages"
        )
    return tuple(Message(role=_ROLES[role], content=content) for role, content in pairs)


def parse_wish(pairs: list[tuple[str, str]], options: Mapping[str, tuple[str, Any]], uid: int) -> Wish:
    """The wish out of `a(ss)` and `a{sv}`.

    Raises:
        InvalidRequestError: a role or an option is unknown, or has the wrong type or range.
    """
    taken = {key: _take(key, kind, value) for key, (kind, value) in options.items()}
    return Wish(
        prompt=parse_messages(pairs),
        temperature=taken.get(ChatOption.TEMPERATURE),
        top_p=taken.get(ChatOption.TOP_P),
        seed=taken.get(ChatOption.SEED),
        max_tokens=taken.get(ChatOption.MAX_TOKENS),
        stop=tuple(taken.get(ChatOption.STOP, ())),
        cache_key=taken.get(ChatOption.PROMPT_CACHE_KEY, ""),
        caller=Caller(space=f"uid:{uid}"),
    )


_OPTIONS: Mapping[ChatOption, tuple[str, float, float]] = {
    ChatOption.TEMPERATURE: ("d", 0, 2),
    ChatOption.TOP_P: ("d", 0, 1),
    ChatOption.SEED: ("u", 0, 2**32 - 1),
    ChatOption.MAX_TOKENS: ("u", 1, 2**32 - 1),
    ChatOption.STOP: ("as", 1, 4),
    ChatOption.PROMPT_CACHE_KEY: ("s", 1, 128),
}
"""Type, and the range of the value (of the length, for texts and lists)."""


def _take(key: str, kind: str, value: Any) -> Any:
    if key not in _OPTIONS:
        known = ", ".join(each.value for each in ChatOption)
        raise InvalidRequestError(f"unknown option {key!r}: {known} are known", param=key)
    wanted, low, high = _OPTIONS[ChatOption(key)]
    if kind != wanted:
        raise InvalidRequestError(f"option {key} has the type {kind}, it must be {wanted}", param=key)
    size = value if kind in "du" else len(value)
    if not low <= size <= high or (kind == "as" and not all(value)):
        raise InvalidRequestError(f"option {key} must be from {low:g} to {high:g}", param=key)
    return value
