"""Which answers may be given again, and to whom: keys and decisions of the answer cache.

An answer is kept under a key of everything that could make it another one. Fields of a wish that nobody
thought of here are part of the key: a new one costs hits, never a wrong answer.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from sigmavault.core.answer_words import fixed_parts
from sigmavault.core.chat import Message, Role
from sigmavault.core.manifest import SamplingDefaults
from sigmavault.core.wish import Caller, Wish

LEAST_SIMILARITY = 0.9
"""Less alike two questions never share an answer, whatever the caller says."""

LONGEST_ANSWER = 64 * 1024
"""Characters; longer answers are not kept."""

_LONGEST_QUESTION = 2000
"""Characters; the meaning of a longer one is not in one vector."""

_ANONYMOUS = Caller().space
_SCHEME = 1
_ELSEWHERE = frozenset({"caching", "caller"})
"""Fields of a wish that are in the key in another way."""

_WITHOUT_EFFECT = frozenset({"cache_key", "seed"})
"""Fields that cannot change a greedy answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who would answer, in every respect that can change what is said.

    Attributes:
        model: id of the model.
        file: which file that is: its sha256, or what tells it from every other file. The chat template is
            in the file.
        engine: which program computes, with its version.
        defaults: what is used where the wish leaves something open.
        template: sha256 of the chat template in use; empty while nobody knows.
    """

    model: str
    file: str
    engine: str
    defaults: SamplingDefaults
    template: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Names under which an answer is kept; each 64 hexadecimal digits.

    Attributes:
        exact: of the question in all its bytes, with everything that could change the answer.
        near: the same without the words of the last question; empty where only the exact one counts.
        space: of whoever asked.
    """

    exact: str
    near: str
    space: str

    @property
    def point(self) -> str:
        """Number of the entry: half of the exact key, as a UUID."""
        return str(uuid.UUID(self.exact[:32]))


def may_be_kept(wish: Wish, defaults: SamplingDefaults) -> bool:
    """Whether the answer to a wish may be given again.

    Greedy ones only: one choice, no tools and none before, no log probabilities, and a caller who is known.
    """
    temperature = defaults.temperature if wish.temperature is None else wish.temperature
    return (
        wish.caching.enabled
        # Nobody knows how many persons are behind this name, and answers never cross from one to another.
        and wish.caller.space != _ANONYMOUS
        and temperature == 0
        and wish.choices == 1
        and not wish.tools
        and wish.top_logprobs is None
        and not _had_tools(wish)
    )


def _had_tools(wish: Wish) -> bool:
    return isinstance(wish.prompt, tuple) and any(
        each.role is Role.TOOL or each.tool_calls for each in wish.prompt
    )


def least_similarity(wish: Wish) -> float | None:
    """How alike another question must be whose answer will do; None: only the same question."""
    asked = wish.caching.similarity
    if asked is None or not 0 < len(question_of(wish)) <= _LONGEST_QUESTION:
        return None
    return max(asked, LEAST_SIMILARITY)


def question_of(wish: Wish) -> str:
    """The last message, where it is the user's; else empty."""
    if not isinstance(wish.prompt, tuple) or not wish.prompt:
        return ""
    last: Message = wish.prompt[-1]
    return last.content if last.role is Role.USER else ""


def space_key(space: str) -> str:
    """The name of a caller's space in the store."""
    return _digest(["space", space])


def keys_of(wish: Wish, source: Source) -> Keys:
    """The names under which the answer to a wish is kept."""
    space = space_key(wish.caller.space)
    fields: dict[str, Any] = {
        name: value for name, value in asdict(wish).items() if name not in _ELSEWHERE | _WITHOUT_EFFECT
    }
    common = [
        _SCHEME, space, wish.caching.facts, source.model, source.file, source.engine,
        source.defaults.model_dump(), type(wish.prompt).__name__,
    ]  # fmt: skip
    near = ""
    if least_similarity(wish) is not None:
        *before, last = fields["prompt"]
        others = {**fields, "prompt": before}
        near = _digest(["near", common, others, {**last, "content": fixed_parts(last["content"])}])
    return Keys(exact=_digest(["exact", common, fields]), near=near, space=space)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A complete answer.

    Attributes:
        text: what was said.
        prompt_tokens: of the prompt.
        completion_tokens: of the answer.
        template: sha256 of the chat template that the prompt was made with.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    template: str

    @property
    def tokens(self) -> int:
        """What need not be computed when it is given again."""
        return self.prompt_tokens + self.completion_tokens

    def to_payload(self, keys: Keys) -> dict[str, Any]:
        """What is stored, with a seal over all of it."""
        fields = asdict(self)
        return {**fields, "key": keys.exact, "near": keys.near, "seal": _seal(keys.exact, keys.near, fields)}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], keys: Keys) -> Self | None:
        """What was stored under one of the keys; None: it was not, or it is damaged."""
        try:
            kept = cls(**{name: payload[name] for name in cls.__slots__})
            exact, near = payload["key"], payload["near"]
            whole = payload["seal"] == _seal(exact, near, asdict(kept))
        except (KeyError, TypeError):
            return None
        is_asked = exact == keys.exact or (near != "" and near == keys.near)
        return kept if whole and is_asked else None

    def is_of(self, source: Source) -> bool:
        """Whether the same template would be used today."""
        return not source.template or source.template == self.template


def _seal(exact: str, near: str, fields: Mapping[str, Any]) -> str:
    return _digest([exact, near, fields])


def _digest(value: object) -> str:
    # order is kept: the order of a schema's properties is the order of the answer's
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
