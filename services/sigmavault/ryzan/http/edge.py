"""The outermost part: numbers every request, times it and counts it, whatever becomes of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import MutableMapping
from typing import Any

from sigmavault.ryzan.http.figures import Figures
from sigmavault.ryzan.http.guard import App, Message, Receive, Scope, Send

ASKED = "sigmavault.asked"
"""Key of the ASGI scope: when the request came, by `time.perf_counter()`."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Edge:
    """An ASGI application around all others."""

    def __init__(self, app: App, figures: Figures) -> None:
        self._app = app
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = scope[ASKED] = time.perf_counter()
        number = f"req_{uuid.uuid4().hex}".encode()
        status = 0

        async def numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                took = f"{(time.perf_counter() - asked) * 1000:.0f}".encode()
                more = [(b"x-request-id", number), (b"openai-processing-ms", took)]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        try:
            await self._app(scope, receive, numbered)
        finally:
            self._count(scope, status, time.perf_counter() - asked)

    def _count(self, scope: MutableMapping[str, Any], status: int, took: float) -> None:
        # the pattern, never the path: paths are the caller's words and there is no end to them
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._figures.requests.add(route, method, str(status))
        self._figures.durations.observe(took, route)
