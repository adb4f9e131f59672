"""From the bytes that another server sends to events of an answer. Pure.

The server may be broken or hostile: lines, the whole, counts and names have bounds, and whatever is not an
answer in OpenAI's form is an error, never half believed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sigmavault.core.chat import Embedded, Finish, Likelihood, TokenLogprob
from sigmavault.core.values import MIB
from sigmavault.core.wish import AnswerEvent, AnswerStarted, CallDelta, ChoiceFinished, ContentDelta, Wish

LINE_LIMIT = MIB
TOTAL_LIMIT = 64 * MIB

_MAX_CALLS = 128
_MAX_NAME = 256
_MAX_TOKENS = 1 << 31
_FINISHES = {
    "stop": Finish.STOP, "eos": Finish.STOP, "length": Finish.LENGTH, "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS, "content_filter": Finish.STOP,
}  # fmt: skip


class NonsenseError(ValueError):
    """What the server sends is no answer; the message says what is wrong with it, in words of ours."""

    def __init__(self, what: str) -> None:
        super().__init__(f"sent {what}")


class Lines:
    """Cuts bytes into lines, of server-sent events."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._total = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes, give every line that is complete.

        Raises:
            NonsenseError: a line or the whole is too long.
        """
        self._total += len(data)
        if self._total > TOTAL_LIMIT:
            raise NonsenseError(f"more than {TOTAL_LIMIT // MIB} MiB")
        self._rest += data
        *lines, rest = self._rest.split(b"\n")
        self._rest = rest
        for line in (*lines, rest):
            if len(line) > LINE_LIMIT:
                raise NonsenseError(f"a line of more than {LINE_LIMIT // MIB} MiB")
        yield from (bytes(line).rstrip(b"\r") for line in lines)


class Reader:
    """Reads the lines of one answer.

    How a choice ended is told only when the whole has ended, because only then the server tells counts.
    """

    def __init__(self, wish: Wish) -> None:
        self.ended = False
        """Whether the server has said that this is all."""
        self._choices = wish.choices
        self._tools = {each.name for each in wish.tools}
        self._finished: dict[int, Finish] = {}
        self._calls: dict[tuple[int, int], str] = {}
        self._usage: Mapping[str, Any] = {}
        self._pieces = 0

    def read(self, line: bytes) -> Iterator[AnswerEvent]:
        """The events in one line.

        Raises:
            NonsenseError: it is no part of an answer.
        """
        if self.ended or not line.startswith(b"data:"):
            return  # comments, names and numbers of events say nothing
        data = line.removeprefix(b"data:").strip()
        if data == b"[DONE]":
            self.ended = True
            return
        chunk = _parse(data)
        if "error" in chunk:
            raise NonsenseError("an error instead of the rest of the answer")
        if isinstance(usage := chunk.get("usage"), Mapping):
            self._usage = usage
        for choice in _listed(chunk.get("choices", []), "choices", self._choices):
            yield from self._read_choice(choice)

    def end(self) -> Iterator[AnswerEvent]:
        """What is told at the end: counts, and how each choice ended.

        Raises:
            NonsenseError: a choice has not ended.
        """
        if len(self._finished) != self._choices:
            raise NonsenseError("the end before the answer was complete")
        cached = self._usage.get("prompt_tokens_details")
        yield AnswerStarted(
            prompt_tokens=_count(self._usage.get("prompt_tokens", 0)),
            cached_tokens=_count(cached.get("cached_tokens", 0)) if isinstance(cached, Mapping) else 0,
        )
        tokens = _count(self._usage.get("completion_tokens", self._pieces))
        for index, finish in sorted(self._finished.items()):
            # the server counts all choices together
            yield ChoiceFinished(index=index, finish=finish, completion_tokens=0 if index else tokens)

    def _read_choice(self, choice: Mapping[str, Any]) -> Iterator[AnswerEvent]:
        index = _number(choice.get("index", 0), self._choices, "index")
        delta = _mapping(choice.get("delta") or {}, "delta")
        text = delta.get("content") or choice.get("text") or ""
        if not isinstance(text, str):
            raise NonsenseError("content that is no text")
        logprobs = tuple(_logprobs(choice.get("logprobs")))
        if text or logprobs:
            self._pieces += 1
            yield ContentDelta(index=index, text=text, logprobs=logprobs)
        for call in _listed(delta.get("tool_calls") or [], "tool_calls", _MAX_CALLS):
            yield self._read_call(index, call)
        if (finish := choice.get("finish_reason")) is not None:
            if not isinstance(finish, str) or finish not in _FINISHES:
                raise NonsenseError("an unknown reason for the end")
            self._finished[index] = _FINISHES[finish]

    def _read_call(self, index: int, call: Mapping[str, Any]) -> CallDelta:
        number = _number(call.get("index", 0), _MAX_CALLS, "index of a call")
        function = _mapping(call.get("function") or {}, "function")
        arguments = function.get("arguments") or ""
        if not isinstance(arguments, str):
            raise NonsenseError("arguments that are no text")
        if (index, number) in self._calls:
            return CallDelta(index=index, call=number, arguments=arguments)
        name, told = function.get("name"), call.get("id")
        if not isinstance(name, str) or name not in self._tools:
            raise NonsenseError("a call of a tool that was not given")
        if not isinstance(told, str) or not told or len(told) > _MAX_NAME:
            raise NonsenseError("a call without id")
        self._calls[index, number] = told
        return CallDelta(index=index, call=number, id=told, name=name, arguments=arguments)


def read_vectors(data: bytes, count: int) -> Embedded:
    """The answer to a request for vectors.

    Args:
        data: body of the response.
        count: how many vectors were asked for.

    Raises:
        NonsenseError: it is something else.
    """
    answer = _parse(data)
    rows = _listed(answer.get("data"), "data", count)
    found: dict[int, tuple[float, ...]] = {}
    for row in rows:
        vector = row.get("embedding")
        if (
            not isinstance(vector, list)
            or not vector
            or not all(type(each) in (int, float) for each in vector)
        ):
            raise NonsenseError("a vector that is none")
        found[_number(row.get("index", 0), count, "index")] = _unit(vector)
    if len(found) != count or len({len(each) for each in found.values()}) != 1:
        raise NonsenseError("another number of vectors than was asked for")
    usage = answer.get("usage")
    tokens = _count(usage.get("prompt_tokens", 0)) if isinstance(usage, Mapping) else 0
    return Embedded(vectors=tuple(found[at] for at in range(count)), prompt_tokens=tokens)


def error_message(data: bytes) -> tuple[str, str]:
    """Message and code of a failure in OpenAI's form; printable and short, empty where there is none."""
    try:
        told = json.loads(data)["error"]
        message, code = told.get("message"), told.get("code")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", ""
    text = "".join(each for each in str(message or "") if each.isprintable())[:300]
    return text, str(code or "")[:64]


def _parse(data: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(data), "a chunk")
    except (ValueError, RecursionError) as error:
        raise NonsenseError("a chunk that is no JSON object") from error


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise NonsenseError(f"{what} that is no object")
    return value


def _listed(value: object, what: str, most: int) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or len(value) > most:
        raise NonsenseError(f"{what} that is no list, or too long")
    return [_mapping(each, what) for each in value]


def _number(value: object, below: int, what: str) -> int:
    if type(value) is not int or not 0 <= value < below:
        raise NonsenseError(f"an impossible {what}")
    return value


def _count(value: object) -> int:
    return _number(value, _MAX_TOKENS, "count of tokens")


def _unit(vector: list[float]) -> tuple[float, ...]:
    length = sum(each * each for each in vector) ** 0.5
    if not 0 < length < float("inf"):
        raise NonsenseError("a vector without length")
    return tuple(each / length for each in vector)


def _logprobs(told: object) -> Iterator[TokenLogprob]:
    if told is None:
        return
    for entry in _listed(_mapping(told, "logprobs").get("content") or [], "logprobs", 1 << 16):
        top = tuple(
            _likelihood(each) for each in _listed(entry.get("top_logprobs") or [], "top_logprobs", 20)
        )
        yield TokenLogprob(chosen=_likelihood(entry), top=top)


def _likelihood(entry: Mapping[str, Any]) -> Likelihood:
    token, logprob, raw = entry.get("token"), entry.get("logprob"), entry.get("bytes")
    if not isinstance(token, str) or isinstance(logprob, bool) or not isinstance(logprob, int | float):
        raise NonsenseError("a log probability that is none")
    if isinstance(raw, list) and all(type(each) is int and 0 <= each < 256 for each in raw):
        return Likelihood(token=bytes(raw), logprob=float(logprob))
    return Likelihood(token=token.encode(errors="replace"), logprob=float(logprob))
