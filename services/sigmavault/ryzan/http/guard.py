"""Turns away what must not reach the API, before any of it is parsed.

On TCP every local program and every web page in a local browser can knock. The Host header keeps out
pages that made their own name point at this machine (DNS rebinding), the Origin header and the content
type keep out pages that post here blindly. On the Unix socket the file's permissions decide. An API key,
where the owner wants one, is asked for on TCP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi.responses import JSONResponse

from sigmavault.core.wish import Caller
from sigmavault.ryzan.http.errors import body
from sigmavault.ryzan.http.keys import Keys

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type App = Callable[[Scope, Receive, Send], Awaitable[None]]

CALLER = "sigmavault.caller"
"""Key of the ASGI scope: who asks, a `Caller`."""

PEER_UID = "peer_uid"
"""Key of `scope["state"]`: the user at the other end of a Unix socket."""

_NAMES = ("localhost", "127.0.0.1", "[::1]")
_KEYLESS = frozenset({"/health"})
"""Tells whether the service is up, nothing more."""


def _header(scope: Scope, name: bytes) -> str | None:
    found = [value for key, value in scope["headers"] if key == name]
    return b",".join(found).decode("latin-1") if found else None


def own_hosts(port: int) -> frozenset[str]:
    """What the Host header may say on a TCP socket of this port."""
    plain = _NAMES if port == 80 else ()
    return frozenset((*(f"{name}:{port}" for name in _NAMES), *plain))


class Guard:
    """An ASGI application in front of the API.

    Args:
        app: the API.
        body_limit: in bytes.
        posts: paths that take a body.
        keys: asked for on TCP, if there are any.
    """

    def __init__(self, app: App, *, body_limit: int, posts: frozenset[str], keys: Keys) -> None:
        self._app = app
        self._body_limit = body_limit
        self._posts = posts
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        refused = self._admit(scope)
        if refused is None and scope["method"] == "POST" and scope["path"] in self._posts:
            refused = self._refuse_body(scope)
            if refused is None:
                refused, receive = await self._buffer(receive)
        await (self._app if refused is None else refused)(scope, receive, send)

    def _admit(self, scope: Scope) -> JSONResponse | None:
        """Name the caller in the scope, or refuse it."""
        if scope["server"] is None or scope["server"][1] is None:
            uid = scope.get("state", {}).get(PEER_UID)
            scope[CALLER] = Caller() if uid is None else Caller(space=f"uid:{uid}")
            return None
        refused = _refuse_sender(scope)
        if refused is not None:
            return refused
        scope[CALLER] = Caller()
        return self._ask_key(scope) if self._keys and scope["path"] not in _KEYLESS else None

    def _ask_key(self, scope: Scope) -> JSONResponse | None:
        scheme, _, key = (_header(scope, b"authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return _unauthorized("an API key is needed: Authorization: Bearer KEY")
        space = self._keys.space(key.strip())
        if space is None:
            return _unauthorized("this API key is not known")
        scope[CALLER] = Caller(space=space)
        return None

    def _refuse_body(self, scope: Scope) -> JSONResponse | None:
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
    hosts = own_hosts(scope["server"][1])
    if (_header(scope, b"host") or "").lower() not in hosts:
        return _answer(403, "this service answers to localhost only")
    origin = _header(scope, b"origin")
    if origin is not None and origin.lower().partition("://")[2] not in hosts:
        return _answer(403, "web pages may not use this service")
    return None


def _unauthorized(message: str) -> JSONResponse:
    content = body(message, kind="invalid_request_error", code="invalid_api_key")
    return JSONResponse(content, 401, {"WWW-Authenticate": "Bearer"})


def _answer(status: int, message: str) -> JSONResponse:
    return JSONResponse(body(message, kind="invalid_request_error"), status)
