"""From the events of an answer to a response, whole or streamed; how it looks is said by a `Style`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

from fastapi.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sigmavault.core.errors import ModelError, SigmaVaultError
from sigmavault.core.wish import (
    Answer,
    AnswerEvent,
    AnswerStarted,
    CallDelta,
    ChoiceFinished,
    ContentDelta,
    Route,
)
from sigmavault.ryzan.connected import ClientGoneError, while_connected
from sigmavault.ryzan.http import errors, json_text

type Delta = ContentDelta | CallDelta | ChoiceFinished

_DONE = b"data: [DONE]\n\n"


class Style(Protocol):
    """How the answers of one route look. Made anew for each answer."""

    def begin(self, route: Route) -> None:
        """The answer is known to come, and from whom."""

    def first(self) -> Iterator[bytes]:
        """What a stream begins with."""

    def chunk(self, delta: Delta) -> bytes:
        """One or more events of a stream; empty when there is nothing to send."""

    def last(self, usage: dict[str, Any]) -> bytes:
        """The event of a stream that has the token counts."""

    def take(self, delta: Delta) -> None:
        """Keep what happened, for an answer that is not streamed."""

    def whole(self, usage: dict[str, Any]) -> dict[str, Any]:
        """The answer out of all that was kept."""


def count_usage(started: AnswerStarted, completion_tokens: int) -> dict[str, Any]:
    """Token counts of an answer, in OpenAI's words."""
    return {
        "prompt_tokens": started.prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": started.prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": started.cached_tokens},
    }


async def _begin(answer: Answer) -> AnswerStarted:
    event = await answer.next()
    if not isinstance(event, AnswerStarted):
        raise ModelError("the answer came before it began")
    return event


async def respond(
    receive: Receive, ask: Callable[[], Awaitable[Answer]], style: Style, *, streamed: bool, with_usage: bool
) -> Response:
    """Ask, and answer as soon as there is something to say.

    Raises:
        SigmaVaultError: the request failed.
        ClientGoneError: nobody waits any more; the request was cancelled.
    """

    async def work() -> Response:
        answer = await ask()
        try:
            started = await _begin(answer)
            style.begin(answer.route)
            headers = errors.route_headers(answer.route)
            if streamed:
                return Stream(answer, started, style, headers, with_usage=with_usage)
            return JSONResponse(await _collect(answer, started, style), headers=headers)
        except BaseException:
            answer.cancel()
            raise

    return await while_connected(receive, work(), harmless=SigmaVaultError)


async def _collect(answer: Answer, started: AnswerStarted, style: Style) -> dict[str, Any]:
    tokens = 0
    while (event := await answer.next()) is not None:
        if isinstance(event, AnswerStarted):
            started = event
            continue
        if isinstance(event, ChoiceFinished):
            tokens += event.completion_tokens
        style.take(event)
    return style.whole(count_usage(started, tokens))


class Stream(Response):
    """An answer as server-sent events. However it ends, the request ends with it.

    Starlette's own streaming response is not enough: with some servers it notices a client that hangs up
    only by a failed send, and uvicorn's sends do not fail.
    """

    def __init__(
        self,
        answer: Answer,
        started: AnswerStarted,
        style: Style,
        headers: dict[str, str],
        *,
        with_usage: bool,
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", **headers}, media_type="text/event-stream")
        del self.headers["content-length"]
        self._answer = answer
        self._started = started
        self._style = style
        self._with_usage = with_usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        try:
            await while_connected(receive, self._send(send), harmless=SigmaVaultError)
        except ClientGoneError:
            pass  # nobody is there to be told
        finally:
            self._answer.cancel()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

        async def put(data: bytes) -> None:
            if data:
                await send({"type": "http.response.body", "body": data, "more_body": True})

        for data in self._style.first():
            await put(data)
        try:
            await self._send_events(put)
        except SigmaVaultError as error:
            told = json_text.encode(errors.describe(error)[1])
            await put(f"event: error\ndata: {told}\n\n".encode())
        await send({"type": "http.response.body", "body": b""})

    async def _send_events(self, put: Callable[[bytes], Awaitable[None]]) -> None:
        tokens = 0
        event: AnswerEvent | None
        while (event := await self._answer.next()) is not None:
            if isinstance(event, AnswerStarted):
                self._started = event
                continue
            if isinstance(event, ChoiceFinished):
                tokens += event.completion_tokens
            await put(self._style.chunk(event))
        if self._with_usage:
            await put(self._style.last(count_usage(self._started, tokens)))
        await put(_DONE)
