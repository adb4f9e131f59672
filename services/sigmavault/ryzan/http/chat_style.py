"""How answers of `/v1/chat/completions` look."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sigmavault.core.chat import Finish, Likelihood, TokenLogprob
from sigmavault.core.wish import CallDelta, ChoiceFinished, ContentDelta, Route
from sigmavault.ryzan.http.answering import Delta
from sigmavault.ryzan.http.json_text import encode

_LEAST_LOGPROB = -9999.0  # OpenAI's word for "not among the likely ones"; JSON has no infinity


def finite(logprob: float) -> float:
    """A log probability that JSON can hold."""
    return logprob if logprob > _LEAST_LOGPROB else _LEAST_LOGPROB


def token_text(token: bytes) -> str:
    r"""The text of a token; what is part of a character only is spelt as `\xe2`."""
    return token.decode("utf-8", "backslashreplace")


def _likelihood(each: Likelihood) -> dict[str, Any]:
    return {"token": token_text(each.token), "logprob": finite(each.logprob), "bytes": list(each.token)}


def spell_logprobs(found: Sequence[TokenLogprob]) -> list[dict[str, Any]]:
    """Log probabilities in the shape of the chat route."""
    return [
        {**_likelihood(each.chosen), "top_logprobs": [_likelihood(other) for other in each.top]}
        for each in found
    ]


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)

    def spell(self) -> dict[str, Any]:
        called = {"name": self.name, "arguments": "".join(self.arguments)}
        return {"id": self.id, "type": "function", "function": called}


@dataclass(slots=True)
class _Choice:
    texts: list[str] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    calls: dict[int, _Call] = field(default_factory=dict)
    finish: Finish = Finish.STOP

    def message(self) -> dict[str, Any]:
        text = "".join(self.texts)
        calls = [self.calls[at].spell() for at in sorted(self.calls)]
        message = {"role": "assistant", "content": text if text or not calls else None, "refusal": None}
        return {**message, "tool_calls": calls} if calls else message


class ChatStyle:
    """See `answering.Style`.

    Args:
        choices: how many the answer has.
        with_logprobs: they were asked for.
        with_usage: a stream says `usage` in every chunk.
        with_tools: what a choice begins with is known only when it begins.
    """

    def __init__(self, *, choices: int, with_logprobs: bool, with_usage: bool, with_tools: bool) -> None:
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._model = ""
        self._with_logprobs = with_logprobs
        self._with_tools = with_tools
        self._choices = {at: _Choice() for at in range(choices)}
        self._unopened = set(self._choices)
        self._tail = ',"usage":null}\n\n' if with_usage else "}\n\n"
        self._head = ""

    def _fields(self, kind: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model}

    def begin(self, route: Route) -> None:
        """The answer is known to come, and from whom."""
        self._model = route.model
        fields = encode(self._fields("chat.completion.chunk"))
        # what every chunk repeats is made once: chunks are sent for every token
        self._head = f'data: {fields[:-1]},"choices":[{{"index":'

    def _event(self, index: int, delta: str, logprobs: str = "null", finish: str = "null") -> str:
        rest = f'"delta":{delta},"logprobs":{logprobs},"finish_reason":{finish}}}]{self._tail}'
        return f"{self._head}{index},{rest}"

    def _open(self, index: int, content: str) -> str:
        self._unopened.discard(index)
        return self._event(index, f'{{"role":"assistant","content":{content},"refusal":null}}')

    def first(self) -> Iterator[bytes]:
        """The roles, at once: the client sees that its prompt was accepted."""
        if not self._with_tools:
            for index in self._choices:
                yield self._open(index, '""').encode()

    def chunk(self, delta: Delta) -> bytes:
        """One or more events of a stream."""
        opened = ""
        if self._unopened and delta.index in self._unopened:
            opened = self._open(delta.index, "null" if isinstance(delta, CallDelta) else '""')
        match delta:
            case ContentDelta():
                return (opened + self._content(delta)).encode()
            case CallDelta():
                return (opened + self._call(delta)).encode()
            case ChoiceFinished():
                return (opened + self._event(delta.index, "{}", finish=f'"{delta.finish}"')).encode()

    def _content(self, delta: ContentDelta) -> str:
        if not delta.text and not delta.logprobs:
            return ""
        logprobs = "null"
        if self._with_logprobs:
            logprobs = encode({"content": spell_logprobs(delta.logprobs), "refusal": None})
        return self._event(delta.index, f'{{"content":{encode(delta.text)}}}', logprobs)

    def _call(self, delta: CallDelta) -> str:
        said = ""
        if delta.id or delta.name:
            called = {"name": delta.name, "arguments": ""}
            call = {"index": delta.call, "id": delta.id, "type": "function", "function": called}
            said = self._event(delta.index, encode({"tool_calls": [call]}))
        if not delta.arguments:
            return said
        more = {"index": delta.call, "function": {"arguments": delta.arguments}}
        return said + self._event(delta.index, encode({"tool_calls": [more]}))

    def last(self, usage: dict[str, Any]) -> bytes:
        """The event that has the token counts."""
        content = {**self._fields("chat.completion.chunk"), "choices": [], "usage": usage}
        return f"data: {encode(content)}\n\n".encode()

    def take(self, delta: Delta) -> None:
        """Keep what happened."""
        choice = self._choices[delta.index]
        match delta:
            case ContentDelta():
                choice.texts.append(delta.text)
                choice.logprobs.extend(delta.logprobs)
            case CallDelta():
                call = choice.calls.setdefault(delta.call, _Call())
                call.id = call.id or delta.id
                call.name = call.name or delta.name
                call.arguments.append(delta.arguments)
            case ChoiceFinished():
                choice.finish = delta.finish

    def whole(self, usage: dict[str, Any]) -> dict[str, Any]:
        """The complete answer."""
        choices = [self._spell(index, choice) for index, choice in self._choices.items()]
        return {**self._fields("chat.completion"), "choices": choices, "usage": usage}

    def _spell(self, index: int, choice: _Choice) -> dict[str, Any]:
        logprobs = None
        if self._with_logprobs:
            logprobs = {"content": spell_logprobs(choice.logprobs), "refusal": None}
        return {
            "index": index,
            "message": choice.message(),
            "logprobs": logprobs,
            "finish_reason": choice.finish.value,
        }
