"""Answers of `/v1/chat/completions`, whole and streamed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any

from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from sigmavault.core.chat import Finish
from sigmavault.core.errors import ModelError, SigmaVaultError
from sigmavault.core.wish import Answer, AnswerStarted, ChoiceFinished, ContentDelta
from sigmavault.ryzan.http import errors


class ClientGoneError(Exception):
    """The client has hung up: there is nobody to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every part of one answer repeats."""

    model: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def fields(self, kind: str) -> dict[str, Any]:
        """The first members of a JSON object of this kind."""
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def usage(started: AnswerStarted, completion_tokens: int) -> dict[str, Any]:
    """Token counts of an answer."""
    return {
        "prompt_tokens": started.prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": started.prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": started.cached_tokens},
    }


async def while_connected[T](receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Do the work unless the client hangs up before it is done.

    Raises:
        ClientGoneError: it did; the work was cancelled.
    """

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    task, watch = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        await asyncio.wait((task, watch), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError
        return await task
    finally:
        for each in (task, watch):
            each.cancel()
        with contextlib.suppress(asyncio.CancelledError, SigmaVaultError):
            await task


async def begin(answer: Answer) -> AnswerStarted:
    """Wait until the prompt is accepted.

    Raises:
        SigmaVaultError: it is not.
    """
    event = await answer.next()
    if not isinstance(event, AnswerStarted):
        raise ModelError("the answer came before it began")
    return event


async def whole(answer: Answer, head: Head) -> dict[str, Any]:
    """The complete answer as one JSON object.

    Raises:
        SigmaVaultError: it failed.
    """
    started = await begin(answer)
    texts: list[str] = []
    finish, tokens = Finish.STOP, 0
    while (event := await answer.next()) is not None:
        if isinstance(event, ContentDelta):
            texts.append(event.text)
        elif isinstance(event, ChoiceFinished):
            finish, tokens = event.finish, event.completion_tokens
    message = {"role": "assistant", "content": "".join(texts), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish.value}
    return {**head.fields("chat.completion"), "choices": [choice], "usage": usage(started, tokens)}


class Stream(Response):
    """An answer as server-sent events. However it ends, the request ends with it.

    Starlette's own streaming response is not enough: with some servers it notices a client that hangs up
    only by a failed send, and uvicorn's sends do not fail.
    """

    def __init__(self, answer: Answer, head: Head, started: AnswerStarted, *, with_usage: bool) -> None:
        super().__init__(headers={"Cache-Control": "no-store"}, media_type="text/event-stream")
        del self.headers["content-length"]
        self._answer = answer
        self._head = head
        self._started = started
        self._with_usage = with_usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        try:
            await while_connected(receive, self._send(send))
        except ClientGoneError:
            pass  # nobody is there to be told
        finally:
            self._answer.cancel()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for event in self._events():
            await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _events(self) -> AsyncIterator[str]:
        yield self._chunk({"role": "assistant", "content": "", "refusal": None})
        tokens = 0
        try:
            while (event := await self._answer.next()) is not None:
                if isinstance(event, ContentDelta):
                    yield self._chunk({"content": event.text})
                elif isinstance(event, ChoiceFinished):
                    tokens += event.completion_tokens
                    yield self._chunk({}, event.finish)
        except SigmaVaultError as error:
            yield _event(errors.describe(error)[1])
            return
        if self._with_usage:
            counts = usage(self._started, tokens)
            yield _event({**self._head.fields("chat.completion.chunk"), "choices": [], "usage": counts})
        yield "data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, Any], finish: Finish | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        counts: dict[str, Any] = {"usage": None} if self._with_usage else {}
        return _event({**self._head.fields("chat.completion.chunk"), "choices": [choice], **counts})


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False, separators=(',', ':'))}\n\n"
