"""A server that speaks HTTP and behaves as badly as its path says."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

type Manner = Callable[[asyncio.StreamWriter], Awaitable[None]]


def _chunk(**fields: object) -> bytes:
    return f"data: {json.dumps(fields)}\n\n".encode()


HELLO = _chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": "Hello"}}])
END = _chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]) + _chunk(
    choices=[], usage={"prompt_tokens": 5, "completion_tokens": 1}
)


def _says(*parts: bytes, head: bytes = _HEAD) -> Manner:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.1)  # so that parts arrive one by one

    return say


def _then_waits(manner: Manner) -> Manner:
    async def say(writer: asyncio.StreamWriter) -> None:
        await manner(writer)
        await asyncio.sleep(60)

    return say


async def _comments_for_ever(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD)
    while True:
        writer.write(b": still here\n\n")
        await writer.drain()
        await asyncio.sleep(0.05)


def _status(line: str, *headers: str, body: bytes = b"{}") -> Manner:
    lines = [f"HTTP/1.1 {line}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return _says(body, head="\r\n".join(lines).encode())


_TOO_LONG = json.dumps(
    {"error": {"message": "the prompt has 9 tokens", "code": "context_length_exceeded"}}
).encode()
MANNERS: dict[str, Manner] = {
    "polite": _says(HELLO, END, b"data: [DONE]\n\n"),
    "silent": _then_waits(_says(head=b"")),
    "stalls": _then_waits(_says()),
    "stalls-midway": _then_waits(_says(HELLO)),
    "hangs-up": _says(head=b""),
    "cut": _says(),
    "cut-midway": _says(HELLO),
    "garbage": _says(bytes(range(256)) * 50, b"\ndata: \xff\xfe\n"),
    "no-http": _says(head=b"220 mail.example ESMTP\r\n"),
    "giant-line": _says(b"data: " + b"x" * 3_000_000),
    "chatter": _comments_for_ever,
    "foreign-tool": _says(
        _chunk(
            choices=[
                {"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "rm"}}]}}
            ]
        )
    ),
    "error-inside": _says(_chunk(error={"message": "no memory"})),
    "error-midway": _says(HELLO, _chunk(error={"message": "no memory"})),
    "compressed": _says(b"x", head=_HEAD.replace(b"Connection", b"Content-Encoding: gzip\r\nConnection")),
    "fails": _status("500 Oops"),
    "unlocked-not": _status("401 Unauthorized"),
    "knows-not": _status("404 Not Found"),
    "too-long": _status("400 Bad Request", body=_TOO_LONG),
    "busy": _status("429 Too Many", "Retry-After: 7"),
}


class Rude:
    """The running server.

    Attributes:
        hits: requests by manner.
        headers: of the last request, as they came.
        port: where it listens.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.hits: Counter[str] = Counter()
        self.headers = ""
        self.port = 0
        self.elsewhere = 0
        self._tls = tls
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        self._started.wait(10)

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._over.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            manner = head.split("/")[1].partition(" ")[0]
            self.hits[manner] += 1
            self.headers = head
            if manner == "moved":
                place = f"Location: http://127.0.0.1:{self.elsewhere}/polite/v1/chat/completions"
                await _status("307 Temporary Redirect", place)(writer)
            else:
                await MANNERS[manner](writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
