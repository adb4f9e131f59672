"""A client that costs next to nothing while it measures: it notes when bytes came, and reads them later."""

from __future__ import annotations

import json
import math
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

type Arrival = tuple[float, bytes]
"""When some bytes came, in seconds of the monotonic clock, and the bytes."""

_PIECE = 1 << 16


class NoAnswerError(Exception):
    """The server answered with a failure, or hung up.

    Attributes:
        status: of the answer; 0 where there was none, or a failure within a stream.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A streamed answer; times in seconds of the monotonic clock.

    Attributes:
        sent: when the request was written.
        first: when the first text came, or the end of an answer without any; what a server says before it
            has computed anything does not count.
        last: when the last text came.
        ended: when the stream was complete.
        prompt_tokens: of the prompt.
        cached_tokens: of them, those that the server says it did not compute.
        completion_tokens: of the answer.
    """

    sent: float
    first: float
    last: float
    ended: float
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int

    @property
    def first_token_s(self) -> float:
        """From the request to the first text."""
        return self.first - self.sent

    @property
    def decode_rate(self) -> float:
        """Tokens per second between the first and the last text."""
        return (self.completion_tokens - 1) / (self.last - self.first)

    @property
    def whole_rate(self) -> float:
        """Tokens per second from the request to the end."""
        return self.completion_tokens / (self.ended - self.sent)

    @property
    def prefill_rate(self) -> float:
        """Tokens of the prompt per second until the first text."""
        return self.prompt_tokens / self.first_token_s


class Connection:
    """One connection, kept open between requests."""

    def __init__(self, port: int, timeout_s: float = 300) -> None:
        self._host = f"127.0.0.1:{port}"
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Hang up, whatever is under way."""
        self.socket.close()

    def ask(self, path: str, body: Mapping[str, Any], *, until: float = math.inf) -> Answer:
        """Post a request for a stream and read it to its end.

        Raises:
            NoAnswerError: there is no such stream.
            TimeoutError: nothing came for so long, or that moment of the monotonic clock has come.
        """
        request = self.request(path, body)
        sent = time.monotonic()
        try:
            self.socket.sendall(request)
            return read_answer(sent, self._receive(until))
        except ConnectionError as error:
            raise NoAnswerError(f"the server hung up: {error}") from error

    def request(self, path: str, body: Mapping[str, Any]) -> bytes:
        """The bytes of a request for a stream with its token counts at the end."""
        wanted = {**body, "stream": True, "stream_options": {"include_usage": True}}
        data = json.dumps(wanted).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        )
        return head.encode() + data

    def _receive(self, until: float) -> list[Arrival]:
        found: list[Arrival] = []
        reader = EndFinder()
        while not reader.complete:
            if until < math.inf:
                self._wait_at_most(until - time.monotonic())
            data = self.socket.recv(_PIECE)
            found.append((time.monotonic(), data))
            if not data:
                raise NoAnswerError("the server hung up")
            reader.feed(data)
        return found

    def _wait_at_most(self, seconds: float) -> None:
        if seconds <= 0:
            raise TimeoutError
        self.socket.settimeout(seconds)


class EndFinder:
    """Finds the end of an HTTP answer, chunked or of a stated length."""

    def __init__(self) -> None:
        self.complete = False
        self._head: bytes | None = b""
        self._missing: int | None = None
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Take what came."""
        if self._head is not None:
            self._head += data
            if b"\r\n\r\n" not in self._head:
                return
            head, _, data = self._head.partition(b"\r\n\r\n")
            self._head = None
            self._missing = _length(head)
        if self._missing is None:
            # events end with an empty line, so no chunk of one ends like the last, empty chunk
            self._tail = (self._tail + data)[-5:]
            self.complete = self._tail == b"0\r\n\r\n"
        else:
            self._missing -= len(data)
            self.complete = self._missing <= 0


def _length(head: bytes) -> int | None:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return None


def read_answer(sent: float, arrivals: list[Arrival]) -> Answer:
    """What a streamed answer says, with the times at which it said it.

    Raises:
        NoAnswerError: it is a failure, or holds no text or no token counts.
    """
    whole = b"".join(data for _, data in arrivals)
    head, _, body = whole.partition(b"\r\n\r\n")
    if (status := int(head.split(b" ", 2)[1])) != 200:
        raise NoAnswerError(whole.decode(errors="replace")[:500], status)
    texts: list[float] = []
    usage: Mapping[str, Any] = {}
    for when, event in _events(body, len(whole) - len(body), arrivals):
        if "error" in event:
            raise NoAnswerError(json.dumps(event)[:500])
        choices = event.get("choices", ())
        if any(map(_text, choices)) or (not texts and any(choice.get("finish_reason") for choice in choices)):
            texts.append(when)
        usage = event.get("usage") or usage
    if not texts or not usage:
        raise NoAnswerError(f"no text or no token counts in: {body[-500:].decode(errors='replace')}")
    return Answer(
        sent=sent, first=texts[0], last=texts[-1], ended=arrivals[-1][0],
        prompt_tokens=usage["prompt_tokens"], completion_tokens=usage["completion_tokens"],
        cached_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
    )  # fmt: skip


def _text(choice: Mapping[str, Any]) -> str:
    return str(choice.get("text") or (choice.get("delta") or {}).get("content") or "")


def _events(body: bytes, offset: int, arrivals: list[Arrival]) -> list[tuple[float, dict[str, Any]]]:
    """The JSON of each event and when its last byte came; `offset` bytes came before the body."""
    ends: list[tuple[int, float]] = []
    total = 0
    for when, data in arrivals:
        total += len(data)
        ends.append((total, when))
    found: list[tuple[float, dict[str, Any]]] = []
    at = arrival = 0
    text = bytearray()
    while at < len(body):
        line_end = body.index(b"\r\n", at)
        size = int(body[at:line_end].partition(b";")[0], 16)
        at = line_end + 2 + size + 2
        text += body[line_end + 2 : at - 2]
        while ends[arrival][0] < min(offset + at, total):
            arrival += 1
        while (end := text.find(b"\n\n")) >= 0:
            data = bytes(text[:end]).removeprefix(b"data: ")
            del text[: end + 2]
            if data.startswith(b"{"):
                found.append((ends[arrival][1], json.loads(data)))
    return found
