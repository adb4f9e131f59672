"""How answers of `/v1/completions` look."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sigmavault.core.chat import Finish, TokenLogprob
from sigmavault.core.wish import ChoiceFinished, ContentDelta, Route
from sigmavault.ryzan.http.answering import Delta
from sigmavault.ryzan.http.chat_style import finite, token_text
from sigmavault.ryzan.http.json_text import encode


def spell_logprobs(found: Sequence[TokenLogprob], offset: int) -> dict[str, Any]:
    """Log probabilities in the shape of the legacy route.

    Args:
        found: at consecutive places of one choice.
        offset: where in the choice's text the first one begins.
    """
    tokens = [token_text(each.chosen.token) for each in found]
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token)
    return {
        "tokens": tokens,
        "token_logprobs": [finite(each.chosen.logprob) for each in found],
        "top_logprobs": [{token_text(o.token): finite(o.logprob) for o in each.top} for each in found],
        "text_offset": offsets,
    }


@dataclass(slots=True)
class _Choice:
    texts: list[str] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    length: int = 0
    finish: Finish = Finish.STOP


class CompletionStyle:
    """See `answering.Style`.

    Args:
        choices: of all prompts together.
        with_logprobs: they were asked for.
        with_usage: a stream says `usage` in every chunk.
    """

    def __init__(self, *, choices: int, with_logprobs: bool, with_usage: bool) -> None:
        self._fields: dict[str, Any] = {
            "id": f"cmpl-{uuid.uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
        }
        self._with_logprobs = with_logprobs
        self._choices = [_Choice() for _ in range(choices)]
        self._tail = ',"usage":null}\n\n' if with_usage else "}\n\n"
        self._head = ""

    def begin(self, route: Route) -> None:
        """The answer is known to come, and from whom."""
        self._fields["model"] = route.model
        self._head = f'data: {encode(self._fields)[:-1]},"choices":[{{"index":'

    def first(self) -> Iterator[bytes]:
        """Nothing: the first text is the first event."""
        yield from ()

    def chunk(self, delta: Delta) -> bytes:
        """An event of a stream."""
        match delta:
            case ContentDelta() if delta.text or delta.logprobs:
                return self._event(delta.index, delta.text, self._logprobs(delta), "null")
            case ChoiceFinished():
                return self._event(delta.index, "", "null", f'"{delta.finish}"')
        return b""

    def _event(self, index: int, text: str, logprobs: str, finish: str) -> bytes:
        rest = f'"text":{encode(text)},"logprobs":{logprobs},"finish_reason":{finish}}}]{self._tail}'
        return f"{self._head}{index},{rest}".encode()

    def _logprobs(self, delta: ContentDelta) -> str:
        if not self._with_logprobs:
            return "null"
        choice = self._choices[delta.index]
        told = spell_logprobs(delta.logprobs, choice.length)
        choice.length += sum(map(len, told["tokens"]))
        return encode(told)

    def last(self, usage: dict[str, Any]) -> bytes:
        """The event that has the token counts."""
        return f"data: {encode({**self._fields, 'choices': [], 'usage': usage})}\n\n".encode()

    def take(self, delta: Delta) -> None:
        """Keep what happened."""
        choice = self._choices[delta.index]
        if isinstance(delta, ContentDelta):
            choice.texts.append(delta.text)
            choice.logprobs.extend(delta.logprobs)
        elif isinstance(delta, ChoiceFinished):
            choice.finish = delta.finish

    def whole(self, usage: dict[str, Any]) -> dict[str, Any]:
        """The complete answer."""
        choices = [
            {
                "index": index,
                "text": "".join(choice.texts),
                "logprobs": spell_logprobs(choice.logprobs, 0) if self._with_logprobs else None,
                "finish_reason": choice.finish.value,
            }
            for index, choice in enumerate(self._choices)
        ]
        return {**self._fields, "choices": choices, "usage": usage}
