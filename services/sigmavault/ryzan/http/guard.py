"""Turns away what must not reach the API, before any of it is parsed.

On TCP every local program and every web page in a local browser can knock. The Host header keeps out
pages that made their own name point at this machine (DNS rebinding), the Origin header and the content
type keep out pages that post here blindly. On the Unix socket the file's permissions decide.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi.responses import JSONResponse

from sigmavault.ryzan.http.errors import body

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type App = Callable[[Scope, Receive, Send], Awaitable[None]]

_NAMES = ("localhost", "127.0.0.1", "[::1]")


def _header(scope: Scope, name: bytes) -> str | None:
    found = [value for key, value in scope["headers"] if key == name]
    return b",".join(found).decode("latin-1") if found else None


def own_hosts(port: int) -> frozenset[str]:
    """What the Host header may say on a TCP socket of this port."""
    plain = _NAMES if port == 80 else ()
    return frozenset((*(f"{name}:{port}" for name in _NAMES), *plain))


class Guard:
    """An ASGI application in front of the API."""

    def __init__(self, app: App, *, body_limit: int) -> None:
        self._app = app
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = _refuse_sender(scope) or self._refuse_body(scope)
        if refused is None and scope["method"] == "POST":
            refused, receive = await self._buffer(receive)
        await (self._app if refused is None else refused)(scope, receive, send)

    def _refuse_body(self, scope: Scope) -> JSONResponse | None:
        if scope["method"] != "POST":
            return None
        kind = (_header(scope, b"content-type") or "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return _answer(415, "the content type must be application/json")
        length = _header(scope, b"content-length") or "0"
        return self._too_large() if length.isdigit() and int(length) > self._body_limit else None

    def _too_large(self) -> JSONResponse:
        return _answer(413, f"the body has more than {self._body_limit} bytes")

    async def _buffer(self, receive: Receive) -> tuple[JSONResponse | None, Receive]:
        """Read the body whole, so that one without a stated length is bounded as well."""
        data = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                first = message
                break
            data += message.get("body", b"")
            if len(data) > self._body_limit:
                return self._too_large(), receive
            if not message.get("more_body", False):
                first = {"type": "http.request", "body": bytes(data), "more_body": False}
                break
        waiting = [first]

        async def again() -> Message:
            return waiting.pop() if waiting else await receive()

        return None, again


def _refuse_sender(scope: Scope) -> JSONResponse | None:
    if scope["server"] is None or scope["server"][1] is None:
        return None  # the Unix socket
    hosts = own_hosts(scope["server"][1])
    if (_header(scope, b"host") or "").lower() not in hosts:
        return _answer(403, "this service answers to localhost only")
    origin = _header(scope, b"origin")
    if origin is not None and origin.lower().partition("://")[2] not in hosts:
        return _answer(403, "web pages may not use this service")
    return None


def _answer(status: int, message: str) -> JSONResponse:
    return JSONResponse(body(message, kind="invalid_request_error"), status)
